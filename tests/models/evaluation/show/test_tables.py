"""The tables of a report: each figure in the column that names it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.evaluation.ask.items import ItemSets
from models.evaluation.measure.report import Report, ReportSource, build
from models.evaluation.show.numbers import interval, p_value, percent
from models.evaluation.show.tables import Table, tables
from models.statistics import Estimate
from tests.models.evaluation.stand_ins import predicted

NOTHING = Estimate(0.0, 0.0, 0.0)


def table(report: Report, title: str) -> Table:
    """Return the table whose title begins so; of both readings, that of the repaired questions."""
    return [each for each in tables(report) if each.title.startswith(title)][-1]


def cells(of: Table, *names: str) -> dict[str, str]:
    """Return a row by the names of its columns: the first row that begins with these cells."""
    row = next(row for row in of.rows if row.cells[: len(names)] == names)
    return dict(zip(of.columns, row.cells, strict=True))


def test_the_tables_come_in_the_order_to_read_them(report: Report) -> None:
    reading = ["Accuracy", "The two variants by language", "Tests over languages", "Calibration"]
    seeds = 2 * ["Several seeds"]
    begin = [*reading, *reading, "Twins", "Without the premise", *seeds]
    titles = [each.title for each in tables(report)]
    for title, words in zip(titles, begin, strict=True):
        assert title.startswith(words)
    for number, words in {0: "published", 4: "repaired", 10: "published", 11: "repaired"}.items():
        assert words in titles[number]


def test_every_row_has_a_cell_for_every_column_and_every_table_says_what_it_is(
    report: Report,
) -> None:
    for each in tables(report):
        assert each.rows
        assert {len(row.cells) for row in each.rows} == {len(each.columns)}
        assert each.note.endswith(".")


def test_a_language_shows_both_variants_and_their_difference(report: Report) -> None:
    thai = report.readings["repaired"].languages[8]
    assert cells(table(report, "Accuracy"), "Thai") == {
        "language": "Thai",
        "items": "12",
        "direct": interval(thai.accuracy["direct"]),
        "stilts": interval(thai.accuracy["stilts"]),
        "stilts - direct": interval(thai.difference, sign="+"),
    }


def test_means_are_strong_among_languages_that_are_not(report: Report) -> None:
    rows = table(report, "Accuracy").rows
    assert [row.strong for row in rows] == [False] * 12 + [True] * 3
    nine = report.readings["repaired"].means[0]
    assert rows[12].cells[2] == interval(nine.accuracy["direct"])


def test_a_language_shows_who_is_right_alone_and_both_p_values(report: Report) -> None:
    reading = report.readings["repaired"]
    # So that no figure can stand in the column of another one unseen.
    thai = replace(
        reading.languages[8],
        direct_only=3,
        stilts_only=4,
        p=0.01,
        p_holm=0.12,
        agreement=0.625,
        kappa=0.314,
    )
    languages = (*reading.languages[:8], thai, *reading.languages[9:])
    changed = replace(report, readings={"repaired": replace(reading, languages=languages)})
    assert cells(table(changed, "The two variants"), "Thai") == {
        "language": "Thai",
        "direct alone": "3",
        "stilts alone": "4",
        "p": "0.0100",
        "p (Holm)": "0.1200",
        "same answer %": "62.5",
        "kappa": "0.31",
    }


def test_a_test_over_languages_is_of_its_variant(report: Report) -> None:
    eleven = report.readings["repaired"].means[1]
    shown = cells(table(report, "Tests over languages"), "mean of the eleven")
    assert shown["p: direct above chance"] == p_value(eleven.p_above_chance["direct"])
    assert shown["p: stilts above chance"] == p_value(eleven.p_above_chance["stilts"])
    assert shown["p: they differ"] == p_value(eleven.p)
    note = table(replace(report, resamples=9_999), "Tests over languages").note
    assert "9,999 resamples, so p is at least 1 in 10,000" in note


def test_calibration_is_by_pool_and_variant(report: Report) -> None:
    own = report.readings["repaired"].calibration["nine"]["stilts"]
    shown = cells(table(report, "Calibration"), "the nine, all answers together", "stilts")
    assert shown["count"] == str(9 * 12)
    assert shown["confidence %"] == percent(own.confidence)
    assert shown["accuracy %"] == percent(own.accuracy)
    assert shown["ECE %"] == percent(own.ece)
    assert shown["unscaled %"] == percent(own.ece_unscaled)
    assert shown["temperature"] == f"{own.temperature:.2f}"
    assert shown["Brier"].startswith(f"{own.brier.value:.3f} [{own.brier.low:.3f}, ")
    swahili = report.readings["repaired"].calibration["sw"]["stilts"]
    shown = cells(table(report, "Calibration"), "Swahili", "stilts")
    assert shown["ECE %"] == percent(swahili.ece)


def test_twins_and_items_without_a_premise_are_by_variant(report: Report) -> None:
    figures = [Estimate(value, value - 0.1, value + 0.1) for value in (0.2, 0.3, 0.4)]
    original, mirror, both = ({"direct": NOTHING, "stilts": own} for own in figures)
    premise = report.premise
    assert premise is not None
    chosen = replace(premise.twins[0], original=original, mirror=mirror, both=both)
    report = replace(report, premise=replace(premise, twins=(chosen,)))
    shown = cells(table(report, "Twins"), f"{chosen.originals} and {chosen.mirrors}", "stilts")
    assert shown["pairs"] == str(chosen.pairs)
    assert shown["originals"] == interval(chosen.original["stilts"])
    assert shown["mirrors"] == interval(chosen.mirror["stilts"])
    assert shown["both right"] == interval(chosen.both["stilts"])
    without = premise.without
    bare = cells(table(report, "Without the premise"), "stilts")
    assert bare["accuracy"] == interval(without.accuracy["stilts"])
    assert bare["same answer as with it"] == percent(without.same_choice["stilts"])


def test_seeds_of_one_variant_are_compared_with_nobody(report: Report) -> None:
    shown = table(report, "Several seeds")
    assert [row.cells[1] for row in shown.rows] == ["direct"] * 3
    runs = next(
        each for each in report.seeds if (each.questions, each.group) == ("repaired", "nine")
    ).variants["direct"]
    row = cells(shown, "mean of the nine that XLM-R has seen", "direct")
    assert (row["seeds"], row["mean"]) == ("2", interval(runs.items))
    assert (row["lowest"], row["highest"]) == (percent(runs.lowest), percent(runs.highest))
    assert row["sd"] == percent(runs.deviation)
    assert row["ensemble"] == interval(runs.ensemble)
    assert row["p above chance"] == p_value(runs.p_above_chance)


@pytest.fixture(scope="module")
def with_both(item_sets: ItemSets, source: ReportSource) -> Report:
    seeds = [f"{variant}/seed-{number}" for variant in ("direct", "stilts") for number in (1, 2)]
    runs = ["direct", "stilts", *seeds]
    own = replace(source, questions=("repaired",), revisions=dict.fromkeys(runs, "0" * 12))
    return build(own, predicted(item_sets, runs))


def test_seeds_of_both_variants_end_with_their_difference(with_both: Report) -> None:
    group = with_both.seeds[1]
    shown = [row for row in table(with_both, "Several seeds").rows if "nine" in row.cells[0]]
    assert [row.strong for row in shown] == [False, False, True]
    assert shown[2].cells[1] == f"stilts - direct, p {p_value(group.p)}"
    assert shown[2].cells[3] == interval(group.difference, sign="+")
    both = f"{interval(group.difference_of_both, sign='+')}, p {p_value(group.p_of_both)}"
    assert shown[2].cells[4] == both
    assert shown[1].cells[4] == interval(group.variants["stilts"].both)


def test_without_seeds_there_is_no_table_of_them(report: Report) -> None:
    assert not [each for each in tables(replace(report, seeds=())) if "seeds" in each.title]
