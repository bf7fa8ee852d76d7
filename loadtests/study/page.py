"""Writes the page of a study from its report: figures, and the prose around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from loadtests.study import page_parts, pictures
from loadtests.study.effects import EQUALITY_POWER, FEWEST_BLOCKS, POWER
from loadtests.study.findings import (
    DECIDING,
    FEWEST_CALLS,
    FIGURES,
    MOST_LOUD,
    MOST_OTHERS,
    MOST_STOLEN,
    P99,
    PRIMARY,
    TOO_FEW,
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
How does intermediate training on English reasoning sets change latency and throughput of XLM-R on
XCOPA, against direct fine-tuning, and what does it buy in accuracy?
"""

_QUICK = """\
**This is a quick run**: few and short blocks, few comparisons. It shows that the study works. It
is no result.
"""

_RULES = """\
`xcopa study` measured this, and this page is written from its JSON. In a block, each side of a
comparison has a fresh process, through HTTP a fresh server, and they take turns of about {slice:g}
s: what makes the machine slower for seconds meets both. The order is A B B A or B A A B, drawn anew
for every four turns (seed {seed}). A turn has the same calls on both sides; through HTTP all
callers ask at once, and each waits for its answer. {warm_up:g} s of warm-up of each side do not
count, {seconds:g} s do. Every server has a budget of {batch_tokens} tokens a batch: which one a
server finds the best at its start varies by chance. Blocks are independent of each other, so
intervals come from the spread between them (Kalibera and Jones 2013; Student's t).

Stated before the run: sides are *equivalent* if two one-sided tests at 5 % show a ratio within
{margin:g} %. *{deciding}* decide, the other figure explains. The variants cost the same if these
are equivalent in every comparison of the two that had the blocks to show it, {primary} in half of
all at least; the others are named. They do not cost the same if one of these differs, with p
corrected by Holm for all of them. A p99 is reported where each side of every block had {calls}
calls or more: with fewer it is about the slowest call.

There is no verdict where a side was not shown to equal itself (A/A), where neither is shown, or
with fewer than {fewest} blocks. A comparison has none if more than {loud:.0f} % of its blocks were
disturbed, and the study has none if more than {loud:.0f} % of all blocks were: other guests of the
host had more than {stolen:.0f} % of the time, or other programs kept more than {others:g}
processors busy.

*Calls* are those of a side in the block that had the fewest. *Found* is the difference that so many
blocks of this spread find with a power of {power:.0f} %. *Needed* are the blocks that would show
equality, were it true, with a power of {equality:.0f} %: all comparisons are to show it.
"""


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
        f"**{_capital(report.verdict.word)}.** " + " ".join(sentences(report)) + "\n",
        "## The verdict\n",
        f"**{report.verdict.word}**: {report.verdict.reason}.\n",
        *page_parts.by_figure(report),
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
        *page_parts.refusal(report),
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
        slice=setting.slice_seconds,
        warm_up=setting.warm_up,
        seconds=setting.seconds,
        margin=100 * setting.margin,
        batch_tokens=setting.batch_tokens,
        deciding=", ".join(FIGURES[each] for each in DECIDING),
        primary=FIGURES[PRIMARY],
        calls=FEWEST_CALLS,
        fewest=FEWEST_BLOCKS,
        loud=100 * MOST_LOUD,
        stolen=100 * MOST_STOLEN,
        others=MOST_OTHERS,
        power=100 * POWER,
        equality=100 * EQUALITY_POWER,
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
    yield markdown_table((*columns, "p equal", "found", "calls", "blocks", "needed"), rows)


def _rows(found: Findings) -> Iterator[TableRow]:
    counts = str(found.calls), str(found.blocks)
    if not found.figures:
        empty = (_title(found), "", "", "", "", TOO_FEW, "", "", *counts)
        yield TableRow((*empty, f"{FEWEST_BLOCKS} at least"))
        return
    for figure in found.figures:
        yield TableRow(
            (
                _title(found),
                FIGURES[figure.figure],
                _amount(figure.figure, figure.first),
                _amount(figure.figure, figure.second),
                ratio(figure.ratio),
                figure.verdict,
                f"{figure.p_equivalent:.3f}",
                f"{100 * figure.detectable:.1f} %",
                *counts,
                str(figure.blocks_needed),
            ),
            strong=figure.figure == PRIMARY,
        )
    if found.of(P99) is None:
        why = f"not reported: {FEWEST_CALLS} calls at least"
        yield TableRow((_title(found), FIGURES[P99], "", "", "", why, "", "", *counts, ""))


def _title(found: Findings) -> str:
    return f"{found.name}: {' / '.join(found.sides)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _amount(figure: str, value: float) -> str:
    if figure == PRIMARY:
        return f"{value:.1f}"
    return f"{1000 * value:.2f} ms"


def ratio(estimate: Estimate) -> str:
    """Write a ratio with its interval, such as ``1.004 [0.991, 1.017]``."""
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"
