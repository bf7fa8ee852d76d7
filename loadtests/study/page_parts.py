"""The sections of the page beside the comparisons."""

from __future__ import annotations

from collections.abc import Iterator

from app.settings import VARIANTS
from loadtests.bench.page import machine as described
from loadtests.study import pictures
from loadtests.study.answers import REWORDED
from loadtests.study.comparisons import ENGINE
from loadtests.study.figure_verdict import Shown
from loadtests.study.findings import FIGURES
from loadtests.study.pareto import costs
from loadtests.study.report import CostReport
from models.evaluation.measure.languages import language_name
from models.evaluation.show.markdown import markdown_table
from models.evaluation.show.numbers import interval, p_value, percent
from models.evaluation.show.tables import TableRow

_NOTHING = "Not measured in this run.\n"


def by_figure(report: CostReport) -> Iterator[str]:
    """What the comparisons of the variants show of each figure that decides."""
    if report.verdict.figures:
        _, *others = Shown
        yield markdown_table(
            ("figure", "verdict", "equivalent in", *others),
            (
                TableRow(
                    (
                        FIGURES[each.figure],
                        each.word,
                        f"{len(each.that_show(Shown.EQUIVALENT))} of {len(each.comparisons)}",
                        *("; ".join(each.that_show(what)) for what in others),
                    )
                )
                for each in report.verdict.figures
            ),
        )


def machine(report: CostReport) -> Iterator[str]:
    """What it ran on, how long, and what else the machine did."""
    setting = report.setting
    revisions = ", ".join(f"`{name}` {own}" for name, own in setting.revisions.items())
    yield (
        f"{described(setting.machine)}. Items: {setting.items}. Weights: {revisions}. Version "
        f"{setting.version}. The command took {report.minutes:.0f} minutes.\n"
    )
    if report.noise is not None:
        noise = report.noise
        yield (
            f"Beside {noise.blocks} blocks, median and greatest: other guests had "
            f"{percent(noise.stolen[0])} and {percent(noise.stolen[1])} % of the processors' time; "
            f"other programs kept {noise.others[0]:.2f} and {noise.others[1]:.2f} processors busy; "
            f"the system's load was {noise.load[0]:.1f} and {noise.load[1]:.1f}. "
            f"{percent(noise.disturbed)} % of the blocks count as disturbed.\n"
        )


def tokens(report: CostReport) -> Iterator[str]:
    """How much there is to compute, which is where the variants could differ."""
    if not report.tokens:
        yield _NOTHING
        return
    yield (
        "Tokens of an item, both rows together. The engine computes tokens, so variants of one "
        "shape can differ in cost only if they are asked in other words.\n"
    )
    columns = (f"{name}, {what}" for name in VARIANTS for what in ("mean", "most", "refused"))
    yield markdown_table(
        ("language", "items", *columns),
        (
            TableRow(
                (
                    language_name(each.language),
                    str(each.items),
                    *(
                        cell
                        for name in VARIANTS
                        for own in (each.variants[name],)
                        for cell in (f"{own.mean:.1f}", str(own.most), str(own.refused))
                    ),
                )
            )
            for each in report.tokens
        ),
    )


def refusal(report: CostReport) -> Iterator[str]:
    """What it costs to refuse early, which is where the variants could differ as well."""
    if report.refusal is None:
        return
    seconds = report.refusal.seconds
    refused = ", ".join(f"{1000 * own:.2f} ms by {name}" for name, own in seconds.items())
    answered = costs(report.findings, ENGINE.name)
    beside = ", ".join(f"{1000 * own:.2f} ms by {name}" for name, own in answered.items())
    yield (
        "An item that is too long for a model is refused once its texts are tokens, and no model "
        "runs. Variants of one shape have one limit and one tokenizer, so that cannot differ by "
        f"more than the words of the prompt. With a premise of {report.refusal.words} words it "
        f"took, in processor time, {refused}"
        + (f"; an answer takes {beside}.\n" if beside else ".\n")
    )


def cascades(report: CostReport) -> Iterator[str]:
    """Whether asking a second model where the first is unsure is worth its cost."""
    if not report.cascades:
        yield _NOTHING
        return
    most = report.cascades[0].most_passes
    yield (
        "The second model is asked where the first one's probability is below a threshold. It is "
        f"the best one on English validation (COPA 401-500) that asks at most {most:g} models an "
        "item there; those items chose the checkpoint or, by some recipes, trained it, so the "
        "first model is surer of them than of others. Accuracies are means over the nine "
        "languages, with 95 % intervals that resample items with their translations. *By chance* "
        "costs the same: the second model is "
        f"asked of as many items, whichever they are. `{REWORDED}` is the same model asked with "
        "words that it has not learned.\n"
    )
    if report.items_for_cascades is not None:
        yield f"**The first {report.items_for_cascades} items of each set alone.**\n"
    columns = ("cascade", "threshold", "passes on validation", "passes", "accuracy", "English")
    yield markdown_table(
        (*columns, "first alone", "second alone", "by chance", "gain over chance", "p"),
        (
            TableRow(
                (
                    each.name,
                    f"{each.validation.threshold:.3f}",
                    f"{each.validation.passes:.2f}",
                    f"{each.passes:.2f}",
                    interval(each.accuracy),
                    interval(each.english),
                    interval(each.first_alone),
                    interval(each.second_alone),
                    interval(each.by_chance),
                    interval(each.gain, sign="+"),
                    p_value(each.p),
                )
            )
            for each in report.cascades
        ),
    )


def points(report: CostReport, folder: str) -> Iterator[str]:
    """Which model, or which two, nothing else beats in both."""
    if not report.points:
        yield _NOTHING
        return
    yield f"![accuracy against the cost of a prediction]({folder}{pictures.PARETO})\n"
    yield markdown_table(
        ("model", "processor time, ms", "from", "accuracy, nine languages", "beaten in both"),
        (
            TableRow(
                (
                    each.name,
                    f"{1000 * each.cpu_seconds:.2f}",
                    "measured" if each.measured else "passes",
                    interval(each.accuracy),
                    "no" if each.on_front else "yes",
                )
            )
            for each in report.points
        ),
    )


def one_time(report: CostReport) -> Iterator[str]:
    """When the intermediate phase has paid."""
    if report.one_time is None:
        yield _NOTHING
        return
    own = report.one_time
    yield (
        f"Phases before the last: {', '.join(own.phases)}, {own.tokens:,} tokens in "
        f"{own.wall_seconds / 60:,.0f} minutes on {own.trained_on}. It counts as nothing once it "
        f"is less than {100 * own.share:g} % of what the predictions cost.\n"
    )
    yield markdown_table(
        ("unit", "the phase", "a prediction", "as much as", "counts as nothing after"),
        (
            TableRow(
                (
                    each.unit,
                    f"{each.training:.3g}",
                    f"{each.prediction:.3g}",
                    f"{each.equal:,.0f} predictions",
                    f"{each.small:,.0f} predictions",
                )
            )
            for each in own.spreads
        ),
    )


def standings(report: CostReport) -> Iterator[str]:
    """How the claims of others stand."""
    yield (
        "By rules: a claimed gain is *consistent* if the whole interval of the difference is above "
        "zero and *contradicted* if it is below; a published accuracy is *reproduced* if the "
        "interval of a model of the same base has it within.\n"
    )
    yield markdown_table(
        ("claim", "source", "here", "why"),
        (TableRow((each.claim, each.source, each.word, each.reason)) for each in report.standings),
    )


def missing(report: CostReport) -> Iterator[str]:
    """What was not measured."""
    if report.missing:
        yield "## Not measured\n"
        yield "".join(f"* {what}: {why}\n" for what, why in report.missing.items())
