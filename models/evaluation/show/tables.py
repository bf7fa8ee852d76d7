"""A report as tables of text, the same wherever they are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.evaluation.measure.accuracy import Language, Mean, Reading
from models.evaluation.measure.languages import GROUP_TITLES, POOL_TITLES, language_name
from models.evaluation.measure.premise import Premise, Twins
from models.evaluation.measure.report import Report
from models.evaluation.measure.seeds import SeedGroup, SeedStatistics
from models.evaluation.show.numbers import decimal, interval, p_value, percent
from models.tasks.sets.xcopa import Questions

READING_TITLES: dict[Questions, str] = {
    "upstream": "questions as published",
    "repaired": "questions repaired",
}


@dataclass(frozen=True)
class TableRow:
    """Cells of one row; the first one names it."""

    cells: tuple[str, ...]
    strong: bool = False
    """A mean among single figures."""


@dataclass(frozen=True)
class Table:
    """A table. Its first column is text, all others are figures."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]
    note: str
    """What the figures are, in a sentence or two."""


def tables(report: Report) -> list[Table]:
    """Return all tables of a report, in the order to read them."""
    found: list[Table] = []
    for questions, reading in report.readings.items():
        found += _reading(reading, READING_TITLES[questions], report.resamples)
    if report.premise is not None:
        found += _premise(report.premise)
    found += [_seeds(report, questions) for questions in report.readings if report.seeds]
    return found


def _reading(reading: Reading, title: str, resamples: int) -> Iterator[Table]:
    yield _accuracy(reading, title)
    yield _pair(reading, title)
    if reading.means:
        yield _means(reading, title, resamples)
    yield _calibration(reading, title)


def _accuracy(reading: Reading, title: str) -> Table:
    rows: list[tuple[str, Language | Mean, bool]] = [
        *((language_name(each.language), each, False) for each in reading.languages),
        *((GROUP_TITLES[each.group], each, True) for each in reading.means),
    ]
    return Table(
        f"Accuracy in %, {title}",
        ("language", "items", *reading.variants, _subtracted(reading.variants)),
        tuple(
            TableRow(
                (
                    name,
                    str(row.items),
                    *(interval(own) for own in row.accuracy.values()),
                    interval(row.difference, sign="+"),
                ),
                strong,
            )
            for name, row, strong in rows
        ),
        "With 95 % intervals: Wilson for a language; for means and differences a bootstrap over "
        "items, each with its translations. Chance is 50.",
    )


def _pair(reading: Reading, title: str) -> Table:
    first, second, *others = reading.variants
    compared = "The two variants" if not others else f"{first} and {second}"
    return Table(
        f"{compared} by language, {title}",
        (
            "language",
            f"{first} alone",
            f"{second} alone",
            "p",
            "p (Holm)",
            "same answer %",
            "kappa",
        ),
        tuple(
            TableRow(
                (
                    language_name(each.language),
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
        "Items that only one of the two answers correctly, the p-value of McNemar's exact test of "
        "these counts, and the same corrected for all languages of the table. Same answer: both "
        "choose the same, right or wrong; kappa is this agreement beyond chance.",
    )


def _means(reading: Reading, title: str, resamples: int) -> Table:
    first, second, *others = reading.variants
    differ = f"p: {first} and {second} differ" if others else "p: they differ"
    return Table(
        f"Tests over languages, {title}",
        ("languages", *(f"p: {name} above chance" for name in reading.variants), differ),
        tuple(
            TableRow(
                (
                    GROUP_TITLES[each.group],
                    *(p_value(own) for own in each.p_above_chance.values()),
                    p_value(each.p),
                )
            )
            for each in reading.means
        ),
        f"Bootstrap over items, each with its translations: {resamples:,} resamples, so p is at "
        f"least 1 in {resamples + 1:,}. Above chance is one-sided, the difference two-sided.",
    )


def _calibration(reading: Reading, title: str) -> Table:
    return Table(
        f"Calibration, {title}",
        (
            *("answers", "variant", "count", "temperature", "confidence %", "accuracy %"),
            *("ECE %", "unscaled %", "Brier"),
        ),
        tuple(
            TableRow(
                (
                    POOL_TITLES.get(group) or language_name(group),
                    variant,
                    str(own.items),
                    f"{own.temperature:.2f}",
                    percent(own.confidence),
                    percent(own.accuracy),
                    percent(own.ece),
                    percent(own.ece if own.ece_unscaled is None else own.ece_unscaled),
                    f"{own.brier.value:.3f} [{own.brier.low:.3f}, {own.brier.high:.3f}]",
                )
            )
            for group, variants in reading.calibration.items()
            for variant, own in variants.items()
        ),
        "ECE: expected calibration error, 15 equal bins of confidence from 50 to 100 %; unscaled: "
        "the same with a temperature of 1. Brier: 0 is best; always answering one half gives 0.25.",
    )


def _premise(premise: Premise) -> Iterator[Table]:
    yield Table(
        "Twins: the same choices with two premises, in %",
        ("items", "variant", "pairs", "originals", "mirrors", "both right"),
        tuple(_twins(twins, variant) for twins in premise.twins for variant in twins.both),
        "COPA and Balanced COPA, English. A model that ignores the premise has both right in 0 % "
        "of the pairs, guessing in 25 %. Where a recipe trained on items, or chose by them, these "
        "figures show memory as much as reading: `xcopa cross-validate` asks for items that its "
        "models have not seen.",
    )
    without = premise.without
    yield Table(
        "Without the premise, English, in %",
        ("variant", "items", "accuracy", "same answer as with it"),
        tuple(
            TableRow(
                (
                    variant,
                    str(without.items),
                    interval(without.accuracy[variant]),
                    percent(without.same_choice[variant]),
                )
            )
            for variant in without.accuracy
        ),
        "A full stop replaces the premise. Accuracy above 50 % comes from the choices alone.",
    )


def _twins(twins: Twins, variant: str) -> TableRow:
    return TableRow(
        (
            f"{twins.originals} and {twins.mirrors}",
            variant,
            str(twins.pairs),
            *(interval(own[variant]) for own in (twins.original, twins.mirror, twins.both)),
        )
    )


def _seeds(report: Report, questions: Questions) -> Table:
    groups = [each for each in report.seeds if each.questions == questions]
    return Table(
        f"Several seeds, accuracy in %, {READING_TITLES[questions]}",
        (
            *("languages", "variant", "seeds", "mean", "seeds and items", "sd"),
            *("lowest", "highest", "ensemble", "p above chance"),
        ),
        tuple(
            row
            for group in groups
            for row in (
                *(_runs(group, variant, runs) for variant, runs in group.variants.items()),
                *_difference(group, _subtracted(report.variants)),
            )
        ),
        "Mean of the seeds, with the interval of a bootstrap over items that takes these seeds as "
        "given, and with one that resamples seeds and items; seeds that share an intermediate "
        "phase are drawn together. sd is over seeds (n - 1) and takes these items as given. "
        "Ensemble: the mean of the seeds' logits, which costs a pass for each.",
    )


def _runs(group: SeedGroup, variant: str, runs: SeedStatistics) -> TableRow:
    return TableRow(
        (
            GROUP_TITLES[group.group],
            variant,
            str(len(runs.by_seed)),
            interval(runs.items),
            interval(runs.both),
            percent(runs.deviation),
            percent(runs.lowest),
            percent(runs.highest),
            interval(runs.ensemble),
            p_value(runs.p_above_chance),
        )
    )


def _difference(group: SeedGroup, subtracted: str) -> Iterator[TableRow]:
    if group.difference is None:
        return
    cells = (
        GROUP_TITLES[group.group],
        f"{subtracted}, p {p_value(group.p)}",
        "",
        interval(group.difference, sign="+"),
        f"{interval(group.difference_of_both, sign='+')}, p {p_value(group.p_of_both)}",
    )
    yield TableRow((*cells, "", "", "", "", ""), strong=True)


def _subtracted(variants: Sequence[str]) -> str:
    """Name the difference of the two variants that are compared."""
    first, second, *_ = variants
    return f"{second} - {first}"
