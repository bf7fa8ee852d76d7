"""Carries a study out: from its options to its report, its page and its pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from transformers import XLMRobertaConfig

from app.engine.tokenizer import PairTokenizer
from app.settings import STILTS, Settings
from app.weights.checkpoint import Checkpoint
from loadtests.items import ItemFields, load_items
from loadtests.study import pictures, report
from loadtests.study.accuracy import own_accuracy
from loadtests.study.answers import answers
from loadtests.study.block_run import RunBlock, in_processes
from loadtests.study.blocks import Budget, DoneBlock, read_blocks, run_blocks, wanted_blocks
from loadtests.study.cascades import CascadeFigures, cascades
from loadtests.study.comparisons import CASCADE, ENGINE, SATURATED, SHAPES, planned
from loadtests.study.errors import StudyError
from loadtests.study.findings import Findings, findings
from loadtests.study.left_out import runnable
from loadtests.study.one_time import OneTimeCost, base_of, one_time_cost, prediction_flops
from loadtests.study.page import written
from loadtests.study.pair import checkpoints_of_pair
from loadtests.study.pareto import costs, points
from loadtests.study.published import OwnAccuracy, standings
from loadtests.study.refusals import refusal_cost
from loadtests.study.report import CostReport
from loadtests.study.setting import StudyEffort, StudySetting, settle
from loadtests.study.side import Comparison
from loadtests.study.times import block_seconds
from loadtests.study.token_budget import budget_of_study
from loadtests.study.tokens import count, pair_tokenizer, row_lengths
from loadtests.study.verdict import decide
from loadtests.study.watch import StudyWatch
from models.evaluation.ask.predictor import EvaluationError
from models.intermediate import report as intermediate_report
from models.intermediate.contrasts import Contrast
from models.tasks.example import DataError

BLOCKS, PAGE = "blocks.jsonl", "study.md"

_PAGE_S = 15.0
"""Kept for the figures and the page at the end."""


@dataclass(frozen=True)
class StudyOptions:
    """What is to be studied, and where it goes."""

    effort: StudyEffort
    out: Path
    data: Path | None
    evaluation: Path
    """The report of an evaluation of the two variants."""
    intermediate: Path | None
    """The report of the study of intermediate sets."""
    shapes: Sequence[str]
    seed: int


@dataclass(frozen=True)
class _Parts:
    """What is known beside the comparisons; ``missing`` says why something is not."""

    items: Mapping[str, Sequence[ItemFields]]
    cascades: tuple[CascadeFigures, ...]
    accuracy: OwnAccuracy | None
    contrasts: Mapping[str, Contrast] | None
    missing: dict[str, str]

    @property
    def threshold(self) -> float | None:
        """Of the cascade that is run for real."""
        return self.cascades[0].validation.threshold if self.cascades else None


def check_shapes(names: Sequence[str]) -> None:
    """Raise StudyError for the name of a shape that there is none of."""
    for name in names:
        if name not in SHAPES:
            raise StudyError(f"--shapes: {name!r} is not one of {', '.join(SHAPES)}")


def study(
    options: StudyOptions, settings: Settings, run_block: RunBlock | None = None
) -> CostReport:
    """Carry a study out and write it; what its folder has is not measured again.

    Args:
        options: what is studied.
        settings: name the variants.
        run_block: runs a block; each side in a process of its own if none is given.

    Raises:
        StudyError: the folder has another study, or an option is wrong.
        RunError: a side cannot be run.
        StartError: a variant is missing.
        OSError: the folder cannot be written.
    """
    budget = Budget(60 * options.effort.minutes - _PAGE_S)
    check_shapes(options.shapes)
    options.out.mkdir(parents=True, exist_ok=True)
    setting = _settled(options, settings)
    watch = StudyWatch(budget)
    parts = _parts(options, setting, settings, watch)
    wanted = planned(options.effort.quick, options.shapes, parts.threshold)
    comparisons, left_out = runnable(wanted, settings)
    blocks = _blocks(options, comparisons, run_block or _runner(options, setting), budget, watch)
    found = _findings(comparisons, blocks, setting.margin)
    missing = {**parts.missing, **left_out}
    made = replace(
        _report(options, settings, setting, parts, found, blocks, missing),
        minutes=budget.spent / 60,
    )
    report.write(made, options.out / report.FILE)
    write_page(options.out)
    return made


def _settled(options: StudyOptions, settings: Settings) -> StudySetting:
    items = "XCOPA and COPA, test" if options.data else "the sample of this project"
    tokens = budget_of_study(options.out, settings)
    here = StudySetting.here(options.effort, options.seed, tokens, items, settings)
    return settle(options.out, here)


def _runner(options: StudyOptions, setting: StudySetting) -> RunBlock:
    return in_processes(setting.seconds, setting.warm_up, setting.batch_tokens, options.data)


def write_page(folder: Path) -> None:
    """Write page and pictures from the report in a folder; raises StudyError without one."""
    made = report.load(folder / report.FILE)
    pictures.draw(made, folder)
    (folder / PAGE).write_text(written(made, ""), encoding="utf-8")


def _parts(
    options: StudyOptions, setting: StudySetting, settings: Settings, watch: StudyWatch
) -> _Parts:
    missing: dict[str, str] = {}
    items = load_items(options.data)
    computed: tuple[CascadeFigures, ...] = ()
    with _noting(missing, "cascades"):
        if options.data is None:
            raise StudyError("they need the labels of XCOPA_DATA_DIR; the sample has none")
        most = options.effort.most_items
        computed = cascades(answers(settings, options.data, most, options.out, watch.answered))
    own = contrasts = None
    with _noting(missing, "accuracy"):
        own = own_accuracy(options.evaluation, setting.revisions)
    with _noting(missing, "intermediate sets"):
        if options.intermediate is None:
            raise StudyError("`make intermediate` makes their report; --intermediate names it")
        contrasts = intermediate_report.load(options.intermediate).contrasts
    return _Parts(items, computed, own, contrasts, missing)


def _blocks(
    options: StudyOptions,
    comparisons: Sequence[Comparison],
    run_block: RunBlock,
    budget: Budget,
    watch: StudyWatch,
) -> list[DoneBlock]:
    effort, kept = options.effort, options.out / BLOCKS
    left = _left(comparisons, effort, kept)
    watch.expect(len(left))
    minutes = sum(block_seconds(each, effort) for each in left) / 60
    watch.say(
        f"{len(comparisons)} comparisons, {len(left)} blocks to run: about {minutes:.0f} minutes "
        f"on two cores; no block begins that would end after {budget.left / 60:.0f}"
    )
    return run_blocks(
        comparisons,
        effort.blocks,
        run_block,
        kept,
        watch.ran,
        options.seed,
        budget,
        effort.factor_blocks,
    )


def _left(comparisons: Sequence[Comparison], effort: StudyEffort, kept: Path) -> list[Comparison]:
    """Return the comparison of each block that has not been run yet."""
    done = {(each.comparison, each.number) for each in read_blocks(kept)}
    counts = wanted_blocks(comparisons, effort.blocks, effort.factor_blocks)
    return [
        each
        for each in comparisons
        for number in range(counts[each.name])
        if (each.name, number) not in done
    ]


def _findings(
    comparisons: Sequence[Comparison], blocks: Sequence[DoneBlock], margin: float
) -> tuple[Findings, ...]:
    return tuple(
        findings(each, [block for block in blocks if block.comparison == each.name], margin)
        for each in comparisons
    )


def _report(
    options: StudyOptions,
    settings: Settings,
    setting: StudySetting,
    parts: _Parts,
    found: tuple[Findings, ...],
    blocks: Sequence[DoneBlock],
    missing: dict[str, str],
) -> CostReport:
    checkpoints = checkpoints_of_pair(settings)
    tokenizers = {name: pair_tokenizer(each) for name, each in checkpoints.items()}
    stilts, most = checkpoints[STILTS], options.effort.most_items
    one_time = None
    with _noting(missing, "one-time cost"):
        cost = costs(found, SATURATED.name).get(STILTS)
        one_time = _one_time(stilts, tokenizers[STILTS], parts.items, cost)
    return CostReport(
        setting=setting,
        minutes=0.0,
        verdict=decide(found, setting.margin),
        findings=found,
        noise=report.noise_of(blocks),
        tokens=count(tokenizers, parts.items),
        refusal=refusal_cost(tokenizers, next(iter(parts.items.values()))[0]),
        one_time=one_time,
        cascades=parts.cascades,
        items_for_cascades=most,
        accuracy=parts.accuracy,
        points=points(
            {} if parts.accuracy is None else parts.accuracy.variants,
            costs(found, ENGINE.name),
            # Accuracies on fewer items are no match for those of a report.
            parts.cascades if most is None else (),
            costs(found, CASCADE),
        ),
        standings=standings(parts.accuracy, base_of(stilts.own), parts.contrasts),
        missing=missing,
    )


def _one_time(
    checkpoint: Checkpoint,
    tokenizer: PairTokenizer,
    items: Mapping[str, Sequence[ItemFields]],
    cpu_seconds: float | None,
) -> OneTimeCost:
    config = XLMRobertaConfig.from_pretrained(checkpoint.full)
    rows = row_lengths(tokenizer, [item for own in items.values() for item in own])
    return one_time_cost(checkpoint.own, prediction_flops(config, rows), cpu_seconds)


@contextmanager
def _noting(missing: dict[str, str], what: str) -> Iterator[None]:
    """Note why a part cannot be had; the others can."""
    try:
        yield
    except (StudyError, DataError, EvaluationError, FileNotFoundError) as error:
        missing[what] = str(error)
