"""The page has the figures of the report, and what is not the paper's."""

from __future__ import annotations

from dataclasses import replace

from models.intermediate import report
from models.intermediate.command import JSON, PAGE, RESULTS
from models.intermediate.page import written
from tests.models.intermediate.made import study_report

TEXT = written(study_report())


def test_the_page_is_current() -> None:
    """``python -m models.intermediate --page`` makes it so; a study that never ran has none."""
    if not (RESULTS / JSON).exists():
        assert not (RESULTS / PAGE).exists()
        return
    assert (RESULTS / PAGE).read_text("utf-8") == written(report.load(RESULTS / JSON))


def row(begin: str) -> list[str]:
    [line] = [line for line in TEXT.splitlines() if line.startswith(f"| {begin} |")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def rows(begin: str) -> list[list[str]]:
    lines = [line for line in TEXT.splitlines() if line.startswith(f"| {begin} |")]
    return [[cell.strip() for cell in line.strip("|").split("|")][1:] for line in lines]


def test_each_condition_has_its_accuracy_its_difference_and_what_it_took() -> None:
    accuracy, difference, taken = rows("all")
    assert [cell.partition(" ")[0] for cell in accuracy] == ["87.0", "87.0", "90.0"]
    assert difference[0].startswith("+35.0 [+")
    assert ", p 0.0001, Holm 0.0" in difference[0]
    assert taken == ["5", "1,000", "200", "24"]


def test_the_target_alone_has_no_difference() -> None:
    assert len(rows("**none**")) == 1
    assert rows("none") == [["0", "0", "200", "4"]]


def test_a_part_of_a_development_set_is_said_to_be_one() -> None:
    assert rows("mnli")[-1] == [
        *("MultiNLI", "8,832", "the development part", "`mnli/dev_matched.jsonl`", "yes", "OANC")
    ]
    assert row("ecare") == [
        *("e-CARE", "14,928", "the training part", "`ecare/train.jsonl`", "no", "MIT")
    ]
    assert "1 of 2 sets are here only\nin part" in TEXT


def test_what_is_missing_is_named() -> None:
    assert "Not run, because it was not at hand:\n\n* logiqa2: no file\n" in TEXT


def test_it_says_that_this_is_not_the_protocol_of_the_paper() -> None:
    assert "**This is not the paper's protocol.**" in TEXT
    assert "Here the base is `a base`" in TEXT


def test_the_claims_have_their_verdicts() -> None:
    found = row("English intermediate tasks improve zero-shot transfer to other languages")
    assert found[0] == "consistent"
    assert found[1].startswith(
        "the mean of commonsenseqa, hellaswag, cosmosqa, mnli, squad2 minus none: +20.0 [+"
    )


def test_the_budget_is_said() -> None:
    assert (
        "Intermediate phase: 125 steps of batches of at most 2,000 tokens, learning rate 0.0006, "
        "run once. Target: Balanced COPA's training items (COPA 1-400 and mirrors), 3 epochs of "
        "batches of at most 1,000 tokens, learning rate 0.0003, seeds 1, 2, 3;"
    ) in TEXT
    assert "Masked text is a text; it has 20 % of the batches" in TEXT


def test_without_text_none_is_spoken_of() -> None:
    made = study_report()
    plain = written(replace(made, setting=replace(made.setting, text=None), missing={}))
    assert "Masked text is" not in plain
    assert "not at hand" not in plain
