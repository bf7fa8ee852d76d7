"""The command line of the study: it trains, measures, and writes the page."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from app.errors import StartError
from app.process import quiet_transformers
from app.settings import Settings
from app.weights.checkpoint import locate
from models.evaluation.ask.local import opener
from models.evaluation.ask.predictor import EvaluationError
from models.intermediate import declaration, kept, picture, report
from models.intermediate.bars import Watch
from models.intermediate.condition_recipe import check_template, made_quick, with_steps
from models.intermediate.conditions import Condition, all_conditions, chosen
from models.intermediate.measured import asked
from models.intermediate.page import written
from models.intermediate.run import Study, carry_out, planned_tokens
from models.intermediate.sets import SetPart, sets_at_hand
from models.tasks.example import DataError
from models.training.errors import TrainingError
from models.training.recipe import Recipe, load_recipe

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results"
TEMPLATE = ROOT / "models" / "recipes" / "intermediate.toml"

JSON, PAGE = "intermediate.json", "intermediate.md"

MASKED = "masked text"
"""Named where it is missing, as a set is."""

_QUICK_ITEMS = 20

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@dataclass(frozen=True)
class Wanted:
    """The options of the command."""

    data: Path | None
    work: Path
    results: Path
    recipe: Path
    only: tuple[str, ...] = ()
    steps: int | None = None
    quick: bool = False
    text: Path | None = None
    force: bool = False


@dataclass(frozen=True)
class _Prepared:
    """A study with what is at hand for it."""

    study: Study
    conditions: tuple[Condition, ...]
    sets: dict[str, SetPart]
    missing: dict[str, str]
    text_title: str | None


DataOption = Annotated[
    Path | None,
    typer.Option(envvar="XCOPA_DATA_DIR", help="The data directory. Without it, the hub."),
]
StudyWorkOption = Annotated[Path, typer.Option(help="Where checkpoints and logits are kept.")]
OnlyOption = Annotated[
    str, typer.Option(metavar="NAME,...", help="These conditions, such as none,ecare,mnli+text.")
]
StepsOption = Annotated[
    int | None, typer.Option(min=1, help="Of the intermediate phase, instead of the recipe's.")
]
QuickOption = Annotated[
    bool,
    typer.Option("--quick", help="Two steps and few items, in WORK/quick, to see that it works."),
]
TextOption = Annotated[
    Path | None, typer.Option(help="What is masked, a passage a line, instead of the Declaration.")
]
ResultsOption = Annotated[
    Path | None,
    typer.Option(
        help="Where JSON, page and picture go. Default: docs/results; else the work "
        "folder with --quick, --only or --steps."
    ),
]
RecipeOption = Annotated[Path, typer.Option(help="The template.")]
StudyForceOption = Annotated[
    bool, typer.Option("--force", help="Make anew what was made from something else.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Count tokens; train nothing.")]
PageOption = Annotated[
    bool, typer.Option("--page", help="Write page and picture from the JSON that is there.")
]


@cli.command()
def intermediate(
    data: DataOption = None,
    work: StudyWorkOption = Path("runs/intermediate"),
    only: OnlyOption = "",
    steps: StepsOption = None,
    quick: QuickOption = False,
    text: TextOption = None,
    results: ResultsOption = None,
    recipe: RecipeOption = TEMPLATE,
    force: StudyForceOption = False,
    dry_run: DryRunOption = False,
    page: PageOption = False,
) -> None:
    """Compare intermediate sets; what is done is not done again."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    quiet_transformers()
    names = tuple(filter(None, only.split(",")))
    here = work / "quick" if quick else work
    own = here if quick or names or steps else RESULTS
    wanted = Wanted(data, here, results or own, recipe, names, steps, quick, text, force)
    with _failing():
        if page:
            write_page(results or RESULTS)
        elif dry_run:
            count(wanted)
        else:
            run(wanted, Settings())


def run(wanted: Wanted, settings: Settings) -> None:
    """Carry the study out; after each condition the report is written anew.

    Raises:
        TrainingError, DataError, StartError, EvaluationError: it cannot be carried out.
    """
    prepared = _prepare(wanted, settings)
    item_sets = asked(wanted.data, _QUICK_ITEMS if wanted.quick else None)
    wanted.results.mkdir(parents=True, exist_ok=True)
    outcomes = []
    work = carry_out(prepared.study, prepared.conditions, item_sets, opener(settings), Watch())
    for done in work:
        outcomes.append((done, kept.read_logits(prepared.study.folder(done.condition))))
        found = report.build(
            prepared.study.template,
            prepared.text_title,
            prepared.sets,
            prepared.missing,
            outcomes,
        )
        report.write(found, prepared.study.work / JSON)
    report.write(found, wanted.results / JSON)
    write_page(wanted.results)
    typer.echo(f"wrote {wanted.results / JSON} and {wanted.results / PAGE}")


def write_page(results: Path) -> None:
    """Write page and picture from the report in a folder; raises EvaluationError without one."""
    found = report.load(results / JSON)
    figures = ROOT / "docs" / "figures" if results.resolve() == RESULTS else results
    where = f"../figures/{picture.NAME}" if figures != results else picture.NAME
    picture.draw(found, figures / picture.NAME)
    (results / PAGE).write_text(written(found, where), encoding="utf-8")


def template_of(wanted: Wanted) -> Recipe:
    """Return the template with the budget that is asked for."""
    template = load_recipe(wanted.recipe)
    check_template(template)
    if wanted.quick:
        template = made_quick(template)
    return template if wanted.steps is None else with_steps(template, wanted.steps)


def _prepare(wanted: Wanted, settings: Settings) -> _Prepared:
    template = template_of(wanted)
    sets, missing = sets_at_hand(wanted.data)
    text = wanted.text
    title = None if text is None else text.name
    if text is None:
        try:
            text, title = declaration.ensure_text(settings.cache_dir), declaration.TITLE
        except DataError as error:
            missing[MASKED] = str(error)
    base = locate(template.base, settings.cache_dir).full
    study = Study(template, base, wanted.data, wanted.work, text, wanted.force)
    return _Prepared(study, _conditions(wanted.only, list(sets), text), sets, missing, title)


def _conditions(
    only: Sequence[str], sets: Sequence[str], text: Path | None
) -> tuple[Condition, ...]:
    has_text = text is not None
    return chosen(only, sets, has_text) if only else all_conditions(sets, has_text)


def count(wanted: Wanted) -> None:
    """Say how many tokens each condition trains on; raises as ``run``."""
    prepared = _prepare(wanted, Settings())
    total = 0
    for condition in prepared.conditions:
        first, target = planned_tokens(prepared.study, condition)
        total += first + target
        typer.echo(f"{condition.name}: {first:,} intermediate and {target:,} target tokens")
    typer.echo(f"{len(prepared.conditions)} conditions: {total:,} tokens")
    for name, why in prepared.missing.items():
        typer.echo(f"missing: {name}: {why}")


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except (TrainingError, DataError, StartError, EvaluationError, OSError) as error:
        typer.echo(f"the study cannot go on: {error}", err=True)
        raise typer.Exit(1) from error
