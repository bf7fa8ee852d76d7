"""Writes the page of a study from its report: figures, and the prose around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from loadtests.study import page_parts, pictures
from loadtests.study.effects import FEWEST_BLOCKS, POWER
from loadtests.study.findings import (
    MOST_LOUD,
    MOST_OTHERS,
    MOST_STOLEN,
    PRIMARY,
    ComparisonKind,
    Findings,
)
from loadtests.study.report import CostReport
from loadtests.study.sentences import sentences
from loadtests.study.setting import StudySetting
from models.evaluation.show.markdown import markdown_table
from models.evaluation.show.tables import TableRow
from models.statistics import Estimate

TITLE = "# What intermediate training costs when the model answers"

NOT_MEASURED = f"""\
{TITLE}

Not measured yet. `make study` measures it ([how](how-to/study.md)), and `make study-page` writes
this page.
"""

_HEAD = """\
How does intermediate training on English reasoning sets change latency and throughput of the models
on XCOPA, and what does it buy? `xcopa study` answers it. This page is written from its JSON.
"""

_QUICK = """\
**This is a quick run**: few blocks, short runs, few comparisons. It shows that the study works. It
is no result.
"""

_RULES = """\
Both sides of a comparison run twice in a block, in the order A B B A or B A A B, which a seed draws
({seed}). Each run has a process of its own, through HTTP a server of its own; {warm_up:g} s of
warm-up do not count, {seconds:g} s do. Blocks are independent of each other, so intervals come from
the spread between them (Kalibera and Jones 2013; Student's t).

Stated before the run: sides are *equivalent* if two one-sided tests at 5 % show a ratio within
{margin:g} %. *{primary}* decide, the other figures explain. The variants cost the same if they are
equivalent in every comparison of the two; they do not if one differs, with p corrected by Holm.
There is no verdict where a side was not shown to equal itself (A/A), where neither is shown, with
fewer than {fewest} blocks, or where more than {loud:.0f} % of the runs were disturbed: other guests
of the host had more than {stolen:.0f} % of the time, or other programs kept more than {others:g}
processors busy. *Found* is the difference that so many blocks of this spread find with a power of
{power:.0f} %; *needed* are the blocks that would show equality with that power, were it true.
"""

_NAMES = {
    "p50": "p50",
    "p99": "p99",
    "items_a_second": "items a second",
    "cpu_seconds_an_item": "processor time an item",
}


def written(report: CostReport, picture_folder: str = "figures/") -> str:
    """Return the page as Markdown.

    Args:
        report: of the study.
        picture_folder: where the pictures are, from where the page is.
    """
    parts = [
        f"{TITLE}\n",
        *([_QUICK] if report.setting.quick else []),
        _HEAD,
        "## The answer\n",
        f"**{report.verdict.word}**: {report.verdict.reason}.\n",
        " ".join(sentences(report)) + "\n",
        "## How it was measured\n",
        _rules(report.setting),
        *page_parts.machine(report),
        "## The two variants\n",
        *_picture(report, picture_folder),
        *_comparisons(report.findings, (ComparisonKind.SAME, ComparisonKind.VARIANTS)),
        "## What does change the cost\n",
        *_comparisons(report.findings, (ComparisonKind.FACTOR,)),
        "## Tokens by language\n",
        *page_parts.tokens(report),
        "## Cascades\n",
        *page_parts.cascades(report),
        "## Accuracy against cost\n",
        *page_parts.points(report, picture_folder),
        "## The one-time cost\n",
        *page_parts.one_time(report),
        "## What others have published\n",
        *page_parts.standings(report),
        *page_parts.missing(report),
    ]
    return "\n".join(parts)


def _rules(setting: StudySetting) -> str:
    return _RULES.format(
        seed=setting.seed,
        warm_up=setting.warm_up,
        seconds=setting.seconds,
        margin=100 * setting.margin,
        primary=_NAMES[PRIMARY],
        fewest=FEWEST_BLOCKS,
        loud=100 * MOST_LOUD,
        stolen=100 * MOST_STOLEN,
        others=MOST_OTHERS,
        power=100 * POWER,
    )


def _picture(report: CostReport, folder: str) -> Iterator[str]:
    if pictures.shown(report):
        yield f"![ratios of the two sides, by comparison]({folder}{pictures.EFFECTS})\n"


def _comparisons(found: Iterable[Findings], kinds: tuple[ComparisonKind, ...]) -> Iterator[str]:
    chosen = [each for each in found if each.kind in kinds]
    if not chosen:
        yield "Not measured in this run.\n"
        return
    columns = ("comparison", "figure", "first side", "second side", "ratio [95 %]", "verdict")
    rows = [row for each in chosen for row in _rows(each)]
    yield markdown_table((*columns, "p equal", "found", "blocks", "needed"), rows)


def _rows(found: Findings) -> Iterator[TableRow]:
    sides = " / ".join(found.sides)
    if not found.figures:
        empty = (f"{found.name}: {sides}", "", "", "", "", found.verdict, "", "")
        yield TableRow((*empty, str(found.blocks), f"{FEWEST_BLOCKS} at least"))
    for figure in found.figures:
        yield TableRow(
            (
                f"{found.name}: {sides}",
                _NAMES[figure.figure],
                _amount(figure.figure, figure.first),
                _amount(figure.figure, figure.second),
                ratio(figure.ratio),
                figure.verdict,
                f"{figure.p_equivalent:.3f}",
                f"{100 * figure.detectable:.1f} %",
                str(found.blocks),
                str(figure.blocks_needed),
            ),
            strong=figure.figure == PRIMARY,
        )


def _amount(figure: str, value: float) -> str:
    if figure == PRIMARY:
        return f"{value:.1f}"
    return f"{1000 * value:.2f} ms"


def ratio(estimate: Estimate) -> str:
    """Write a ratio with its interval, such as ``1.004 [0.991, 1.017]``."""
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"
