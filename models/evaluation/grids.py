"""A report as tables of text, the same for every place where they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from models.evaluation.accuracy import Language, Mean, Reading
from models.evaluation.answerers import VARIANTS
from models.evaluation.formats import decimal, interval, p_value, percent
from models.evaluation.languages import GROUP_TITLES, NAMES, POOL_TITLES
from models.evaluation.premise import Premise, Twins
from models.evaluation.report import Report
from models.evaluation.seeds import Group, Runs
from models.tasks.xcopa import Questions

READINGS: dict[Questions, str] = {
    "upstream": "questions as published",
    "repaired": "questions repaired",
}


@dataclass(frozen=True)
class Line:
    """Cells of one line; the first one names it."""

    cells: tuple[str, ...]
    strong: bool = False
    """A mean among single figures."""


@dataclass(frozen=True)
class Grid:
    """A table. Its first column is text, all others are figures."""

    title: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    note: str
    """What the figures are, in a sentence or two."""


def grids(report: Report) -> list[Grid]:
    """Return all tables of a report, in the order to read them."""
    tables: list[Grid] = []
    for questions, reading in report.readings.items():
        tables += _reading(reading, READINGS[questions], report.resamples)
    tables += _premise(report.premise)
    tables += [_seeds(report, questions) for questions in report.readings if report.seeds]
    return tables


def _reading(reading: Reading, title: str, resamples: int) -> Iterator[Grid]:
    yield _accuracy(reading, title)
    yield _pair(reading, title)
    yield _means(reading, title, resamples)
    yield _calibration(reading, title)


def _accuracy(reading: Reading, title: str) -> Grid:
    rows: list[tuple[str, Language | Mean, bool]] = [
        *((NAMES[each.language], each, False) for each in reading.languages),
        *((GROUP_TITLES[each.group], each, True) for each in reading.means),
    ]
    return Grid(
        f"Accuracy in %, {title}",
        ("language", "items", *VARIANTS, "stilts - direct"),
        tuple(
            Line(
                (
                    name,
                    str(row.items),
                    *(interval(row.accuracy[variant]) for variant in VARIANTS),
                    interval(row.difference, sign="+"),
                ),
                strong,
            )
            for name, row, strong in rows
        ),
        "With 95 % intervals: Wilson for a language; a bootstrap over items, translations kept "
        "together, for means and differences. Chance is 50.",
    )


def _pair(reading: Reading, title: str) -> Grid:
    return Grid(
        f"The pair by language, {title}",
        ("language", "direct alone", "stilts alone", "p", "p (Holm)", "same answer %", "kappa"),
        tuple(
            Line(
                (
                    NAMES[each.language],
                    str(each.direct_only),
                    str(each.stilts_only),
                    p_value(each.p),
                    p_value(each.p_holm),
                    percent(each.agreement),
                    decimal(each.kappa, 2),
                )
            )
            for each in reading.languages
        ),
        "Items that one of the two alone answers right, McNemar's exact test of these counts, and "
        "its p corrected for all languages of the table. Same answer: right or wrong; kappa is "
        "the same beyond chance.",
    )


def _means(reading: Reading, title: str, resamples: int) -> Grid:
    return Grid(
        f"Tests over languages, {title}",
        ("languages", *(f"p: {name} above chance" for name in VARIANTS), "p: they differ"),
        tuple(
            Line(
                (
                    GROUP_TITLES[each.group],
                    *(p_value(each.p_above_chance[name]) for name in VARIANTS),
                    p_value(each.p),
                )
            )
            for each in reading.means
        ),
        f"Bootstrap over items, translations kept together: {resamples:,} resamples, so p is at "
        f"least 1 in {resamples + 1:,}. Above chance is one-sided, the difference two-sided.",
    )


def _calibration(reading: Reading, title: str) -> Grid:
    return Grid(
        f"Calibration, {title}",
        ("answers", "variant", "count", "confidence %", "accuracy %", "ECE %", "Brier"),
        tuple(
            Line(
                (
                    POOL_TITLES[group],
                    variant,
                    str(own.items),
                    percent(own.confidence),
                    percent(own.accuracy),
                    percent(own.ece),
                    f"{own.brier.value:.3f} [{own.brier.low:.3f}, {own.brier.high:.3f}]",
                )
            )
            for group, variants in reading.calibration.items()
            for variant, own in variants.items()
        ),
        "ECE: expected calibration error, 15 equal bins of confidence from 50 to 100 %. Brier: 0 "
        "is best, 0.25 is what always saying one half gets.",
    )


def _premise(premise: Premise) -> Iterator[Grid]:
    yield Grid(
        "Twins: the same choices, and premises that turn the answer, in %",
        ("items", "variant", "pairs", "originals", "mirrors", "both right"),
        tuple(_twins(twins, variant) for twins in premise.twins for variant in VARIANTS),
        "COPA and Balanced COPA, English. Reading no premise gives both right in 0 % of the pairs, "
        "guessing in 25 %. COPA 401-500 chose checkpoints; 1-400 trained, and so did their "
        "mirrors where a recipe names Balanced COPA.",
    )
    without = premise.without
    yield Grid(
        "Without the premise, English, in %",
        ("variant", "items", "accuracy", "same answer as with it"),
        tuple(
            Line(
                (
                    variant,
                    str(without.items),
                    interval(without.accuracy[variant]),
                    percent(without.same_choice[variant]),
                )
            )
            for variant in VARIANTS
        ),
        "A full stop stands for the premise. What exceeds 50 % is betrayed by the choices alone.",
    )


def _twins(twins: Twins, variant: str) -> Line:
    return Line(
        (
            f"{twins.originals} and {twins.mirrors}",
            variant,
            str(twins.pairs),
            *(interval(own[variant]) for own in (twins.original, twins.mirror, twins.both)),
        )
    )


def _seeds(report: Report, questions: Questions) -> Grid:
    groups = [each for each in report.seeds if each.questions == questions]
    return Grid(
        f"Several seeds, accuracy in %, {READINGS[questions]}",
        ("languages", "variant", "seeds", "mean", "sd", "lowest", "highest", "p above chance"),
        tuple(
            line
            for group in groups
            for line in (
                *(_runs(group, variant, runs) for variant, runs in group.variants.items()),
                *_difference(group),
            )
        ),
        "Mean of the seeds with the interval of a bootstrap over items, which takes these seeds "
        "as given; sd is over seeds (n - 1), which takes these items as given. Neither covers "
        "the other. Seeds that share an intermediate stage differ in what follows it alone.",
    )


def _runs(group: Group, variant: str, runs: Runs) -> Line:
    return Line(
        (
            GROUP_TITLES[group.group],
            variant,
            str(len(runs.by_seed)),
            interval(runs.items),
            percent(runs.deviation),
            percent(runs.lowest),
            percent(runs.highest),
            p_value(runs.p_above_chance),
        )
    )


def _difference(group: Group) -> Iterator[Line]:
    if group.difference is None:
        return
    cells = (
        GROUP_TITLES[group.group],
        f"stilts - direct, p {p_value(group.p)}",
        "",
        interval(group.difference, sign="+"),
    )
    yield Line((*cells, "", "", "", ""), strong=True)
