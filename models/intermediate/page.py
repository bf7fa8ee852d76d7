"""Writes the page of the study from its report: figures, and the prose around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from models.evaluation.show.markdown import markdown_table
from models.evaluation.show.numbers import interval, p_value
from models.evaluation.show.tables import TableRow
from models.intermediate import picture
from models.intermediate.claims import CLAIMS, MARGIN, verdict
from models.intermediate.conditions import NONE
from models.intermediate.figures import ConditionFigures
from models.intermediate.measured import CHANCE, PANELS
from models.intermediate.report import PhaseSetting, StudyReport
from models.intermediate.sets import OF_THE_PAPER

_HEAD = """\
# Which intermediate task helps

    make intermediate DATA=DIR

The central table of Phang et al. (2020, arXiv 2005.13013) in small: a model learns one intermediate
set, or all of them, or all of them with masked multilingual text beside them, and then COPA.
`{none}` learns COPA alone. `python -m models.intermediate --page` writes this page from
`intermediate.json`.
"""

_NOT_THE_PAPER = """\
**This is not the paper's protocol.** The paper trains XLM-R large on whole training parts, and has
the nine targets of XTREME. Here the base is `{base}`, adapters are trained
and not all weights, every condition has one small budget, {partly} of {sets} sets are here only
in part, and the target is COPA, which XTREME lacks. So the verdicts below are about this setting.
"""

_RULE = """\
The claims are those of the paper's abstract. A rule gives the verdict, from the difference on the
nine languages and its 95 % interval: a claimed gain is *consistent* if the whole interval is above
zero, and *contradicted* if it is below. That there is no gain is *contradicted* if the whole
interval is above zero, and *consistent* if its upper end is below {margin:.0f} points. Everything
else is *not testable at this size*. Where a side is the mean of several conditions, they are
resampled as well.
"""


def written(report: StudyReport, picture_path: str = f"../figures/{picture.NAME}") -> str:
    """Return the page as Markdown.

    Args:
        report: of the study.
        picture_path: of the picture, from where the page is.
    """
    setting = report.setting
    parts = [
        _HEAD.format(none=NONE),
        _NOT_THE_PAPER.format(
            base=setting.base,
            sets=len(report.sets),
            partly=sum(not part.is_whole for part in report.sets.values()),
        ),
        f"![accuracy by condition]({picture_path})\n",
        "## Accuracy\n",
        _accuracy_note(report),
        markdown_table(("condition", *PANELS.values()), map(_accuracy, report.conditions)),
        "## Difference from the target alone\n",
        "In points, with 95 % intervals that resample seeds and items, the p-value, and the same "
        "corrected by Holm for all conditions of the column.\n",
        markdown_table(("condition", *PANELS.values()), _differences(report)),
        "## The claims of the paper\n",
        _RULE.format(margin=100 * MARGIN),
        markdown_table(("claim", "verdict", "from"), _claims(report)),
        "## What was trained\n",
        *_budget(report),
        "## Which part of each set\n",
        *_sets(report),
    ]
    return "\n".join(parts)


def _accuracy_note(report: StudyReport) -> str:
    chance = ", ".join(f"{100 * CHANCE[panel]:.0f} % ({PANELS[panel]})" for panel in PANELS)
    return (
        f"Mean of {len(report.setting.seeds)} seeds of the target, in %, with 95 % intervals that "
        "resample seeds and items (an item with its translations). The seeds of a condition share "
        "its one intermediate run, so the interval does not cover what another such run would "
        "change. English: COPA's test split. The nine languages: XCOPA's test split, those that "
        "XLM-R has seen, with the questions as published. Twins: pairs of COPA 401-500 and their "
        f"mirrors in Balanced COPA. Chance: {chance}.\n"
    )


def _accuracy(each: ConditionFigures) -> TableRow:
    cells = (interval(each.accuracy[panel]) for panel in PANELS)
    return TableRow((each.name, *cells), strong=each.name == NONE)


def _differences(report: StudyReport) -> Iterator[TableRow]:
    for each in report.conditions:
        if each.from_none is not None:
            found = (each.from_none[panel] for panel in PANELS)
            yield TableRow(
                (
                    each.name,
                    *(
                        f"{interval(own.difference, sign='+')}, p {p_value(own.p)}, "
                        f"Holm {p_value(own.p_holm)}"
                        for own in found
                    ),
                )
            )


def _claims(report: StudyReport) -> Iterator[TableRow]:
    for claim in CLAIMS:
        found = verdict(claim, report.contrasts)
        yield TableRow((claim.text, str(found.word), found.reason))


def _budget(report: StudyReport) -> Iterator[str]:
    setting = report.setting
    yield (
        f"Intermediate phase: {_length(setting.intermediate)}, run once. Target: Balanced COPA's "
        f"training items (COPA 1-400 and mirrors), {_length(setting.target)}, seeds "
        f"{', '.join(map(str, setting.seeds))}; each has the mean of its checkpoints' weights. "
        "No validation chose anything. Several sets are mixed in proportion to their size.\n"
    )
    if setting.text is not None:
        yield (
            f"Masked text is {setting.text}; it has {100 * setting.text_share:.0f} % of the "
            "batches of its condition, within the same budget. A base without a head for masked "
            "text, as the embedded one is, gets a new one.\n"
        )
    yield markdown_table(
        (
            *("condition", "steps", "intermediate tokens"),
            *("target tokens, all seeds", "seconds of training"),
        ),
        (
            TableRow(
                (
                    each.name,
                    f"{each.steps:,}",
                    f"{each.intermediate_tokens:,}",
                    f"{each.target_tokens:,}",
                    f"{each.seconds:,.0f}",
                )
            )
            for each in report.conditions
        ),
    )
    yield (
        f"Machine: {setting.machine}. A batch has whole items, so sets of longer ones fill it "
        "less.\n"
    )


def _length(phase: PhaseSetting) -> str:
    length = f"{phase.steps:,} steps" if phase.steps is not None else f"{phase.epochs:g} epochs"
    return (
        f"{length} of batches of at most {phase.batch_tokens:,} tokens, learning rate "
        f"{phase.learning_rate:g}"
    )


def _sets(report: StudyReport) -> Iterator[str]:
    yield markdown_table(
        ("set", "name", "items", "what it is", "file", "in the paper", "licence"),
        (
            TableRow(
                (
                    name,
                    part.title,
                    f"{part.items:,}",
                    part.what,
                    f"`{part.where}`",
                    "yes" if name in OF_THE_PAPER else "no",
                    part.licence,
                )
            )
            for name, part in report.sets.items()
        ),
    )
    yield from _missing(report.missing)


def _missing(missing: Mapping[str, str]) -> Iterator[str]:
    if missing:
        yield "Not run, because it was not at hand:\n"
        yield "".join(f"* {name}: {why}\n" for name, why in missing.items())
