"""The page of a study, from a small report."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.study import pictures
from loadtests.study.figure_verdict import StudyWord
from loadtests.study.findings import ComparisonKind
from loadtests.study.page import NOT_MEASURED, TITLE, written
from loadtests.study.report import CostReport
from loadtests.study.setting import StudySetting
from models.intermediate.claims import CLAIMS
from tests.loadtests.study.made import SETTING, study


@pytest.fixture
def made(tmp_path: Path) -> CostReport:
    return study(tmp_path)


def lines_with(page: str, *parts: str) -> list[str]:
    return [line for line in page.splitlines() if all(part in line for part in parts)]


def emptied(made: CostReport) -> CostReport:
    return replace(
        made,
        findings=(),
        noise=None,
        tokens=(),
        one_time=None,
        cascades=(),
        points=(),
        accuracy=None,
    )


def test_the_page_begins_with_the_answer_in_three_sentences(made: CostReport) -> None:
    page = written(made)
    assert page.startswith(TITLE)
    assert made.verdict.word is StudyWord.SAME
    head = page.partition("\n## ")[0]
    assert "**The variants cost the same.** stilts answers" in head
    assert re.search(r"the p50 of a call is \d\.\d+ to \d\.\d+ times .*, the p99 \d", head)
    assert f"**{StudyWord.SAME}**: within 3 % are items a second in all 2" in page
    assert "| p99 | the variants cost the same | 2 of 2 |  |  |  |" in page
    assert "stilts has 60.0 % right and direct 54.0 %, a difference of +6.0 [+3.0, +9.0]" in page
    assert "as much as 400,000 predictions" in page
    assert "less than 3 % of the cost after 13,333,333" in page
    assert "quick" not in page


def test_each_comparison_has_its_ratio_its_verdict_and_what_was_detectable(
    made: CostReport,
) -> None:
    page = written(made)
    for each in made.findings:
        rows = lines_with(page, f"{each.name}: {each.sides[0]}")
        assert len(rows) == 4
        assert all("| 2000 | 6 |" in row for row in rows)
        assert each.primary is not None
        [own] = [row for row in rows if "items a second" in row]
        assert f"{each.primary.ratio.value:.3f} [" in own
        assert each.primary.verdict in own
        assert f"{100 * each.primary.detectable:.1f} %" in own


def test_a_planted_slowdown_changes_the_answer(tmp_path: Path) -> None:
    made = study(tmp_path, slower={"stilts": 1.05, "stilts again": 1.05})
    assert made.verdict.word is StudyWord.DIFFERENT
    assert f"**{StudyWord.DIFFERENT}**: they differ by items a second in" in written(made)


def test_a_noisy_run_says_that_it_gives_no_verdict(tmp_path: Path) -> None:
    made = study(tmp_path, noise=0.2)
    assert made.verdict.word is StudyWord.NOISY
    page = written(made)
    assert "**Too noisy: no verdict.**" in page
    assert "cost the same" not in page.partition("## How it was measured")[0]


def test_a_p99_of_few_calls_is_not_shown_and_their_number_is(made: CostReport) -> None:
    few = replace(
        made.findings[0],
        calls=38,
        figures=tuple(each for each in made.findings[0].figures if each.figure != "p99"),
    )
    shown = replace(made, findings=(few, *made.findings[1:]))
    [row] = lines_with(written(shown), f"{few.name}:", "| p99 |")
    assert "not reported: 100 calls at least" in row
    assert "| 38 | 6 |" in row
    assert pictures.effects(shown).axes


def test_early_refusal_has_its_price_beside_that_of_an_answer(made: CostReport) -> None:
    page = written(made)
    assert "a premise of 640 words it took, in processor time, 1.10 ms by direct" in page
    assert "; an answer takes" in page
    assert "it took" not in written(replace(made, refusal=None))


def test_a_quick_run_is_marked(made: CostReport) -> None:
    quick: StudySetting = replace(SETTING, quick=True)
    assert "**This is a quick run**" in written(replace(made, setting=quick))


def test_the_rules_are_those_of_the_setting(made: CostReport) -> None:
    page = " ".join(written(made).split())
    assert "(seed 7)" in page
    assert "1 s of warm-up of each side do not count, 4 s do" in page
    assert "a ratio within 3 %" in page
    assert "a budget of 512 tokens a batch" in page
    assert "if more than 25 % of all blocks were" in page
    assert "2026-01-02: A Processor, 2 cores" in page
    assert "Beside 24 blocks" in page


def test_every_claim_has_a_row(made: CostReport) -> None:
    page = written(made)
    for claim in CLAIMS:
        assert lines_with(page, claim.text)
    for model in ("XLM-R large", "MAD-X base", "RoBERTa large"):
        assert lines_with(page, f"{model}", "not testable here")


def test_each_section_has_its_figures(made: CostReport) -> None:
    page = written(made)
    assert lines_with(page, "| Estonian | 500 | 55.5 | 90 | 0 | 55.5 | 90 | 0 |")
    assert lines_with(page, "| direct, then stilts |", f"{made.cascades[0].passes:.2f}")
    assert lines_with(page, "| processor seconds |", "400,000 predictions")
    assert lines_with(page, "* intermediate sets: not run")


def test_a_part_that_was_not_measured_is_said_to_be(made: CostReport) -> None:
    page = written(emptied(made))
    assert page.count("Not measured in this run.") == 6
    assert "The cost of an answer was not measured. What it buys" in page
    assert ".png" not in page


def test_cascades_on_some_of_the_items_say_so(made: CostReport) -> None:
    page = written(replace(made, items_for_cascades=100))
    assert "**The first 100 items of each set alone.**" in page


def test_pictures_are_drawn_where_there_is_something_to_draw(
    made: CostReport, tmp_path: Path
) -> None:
    assert pictures.draw(made, tmp_path) == [pictures.EFFECTS, pictures.PARETO]
    for name in (pictures.EFFECTS, pictures.PARETO):
        assert (tmp_path / name).stat().st_size > 10_000
        assert f"(figures/{name})" in written(made)
    assert pictures.draw(emptied(made), tmp_path) == []


def test_the_pictures_show_what_decides_and_every_point(made: CostReport) -> None:
    effects = pictures.effects(made)
    assert [label.get_text() for label in effects.axes[0].get_yticklabels()] == [
        each.name for each in made.findings if each.kind is not ComparisonKind.FACTOR
    ]
    pareto = pictures.pareto(made)
    [legend] = pareto.legends
    assert [text.get_text() for text in legend.get_texts()] == [each.name for each in made.points]


def test_before_a_study_the_page_says_how_to_make_one() -> None:
    assert "make study" in NOT_MEASURED
