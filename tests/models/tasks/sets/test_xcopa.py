"""XCOPA, its defect, and the repair."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.tasks.example import DataError, Example
from models.tasks.sets import copa, xcopa
from tests.models.tasks.invented_causal import write_measured

DEFECTS = {"th": 250, "tr": 51, "sw": 37, "id": 4, "it": 4}
"""Questions of the test files that contradict COPA, as the data's own notes count them."""

QUESTIONS: tuple[xcopa.Questions, xcopa.Questions] = ("upstream", "repaired")


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    return write_measured(tmp_path, items=12)


def _changed(data: Path, language: str) -> list[tuple[Example, Example]]:
    """Items whose question is another one when it is repaired, before and after."""
    both = (xcopa.load(data, language, "test", questions) for questions in QUESTIONS)
    return [(before, after) for before, after in zip(*both, strict=True) if before != after]


def test_the_published_questions_have_the_known_defects(data: Path) -> None:
    assert len(copa.load(data, "test")) == 500
    changed = {language: len(_changed(data, language)) for language in xcopa.LANGUAGES}
    assert changed == dict.fromkeys(xcopa.LANGUAGES, 0) | DEFECTS


@pytest.mark.parametrize("language", xcopa.LANGUAGES)
def test_the_repair_takes_the_question_of_copa_and_nothing_else(
    measured: Path, language: str
) -> None:
    changed = _changed(measured, language)
    assert bool(changed) == (language == "th")
    assert all(a.label == b.label and a.item.premise == b.item.premise for a, b in changed)
    repaired = xcopa.load(measured, language, "test", "repaired")
    questions = [example.item.question for example in copa.load(measured, "test")]
    assert [example.item.question for example in repaired] == questions


@pytest.mark.parametrize("questions", QUESTIONS)
def test_a_language_that_is_no_translation_is_named_with_file_and_numbers(
    measured: Path, questions: xcopa.Questions
) -> None:
    file = measured / "xcopa/it/test.it.jsonl"
    english = copa.load_numbered(measured, "test")
    rows = file.read_text("utf-8").splitlines()
    file.write_text("\n".join(rows[3:] + rows[:3]), "utf-8")
    told = r"test\.it\.jsonl and COPA do not correspond: their labels of item 50\d"
    with pytest.raises(DataError, match=told):
        xcopa.load_beside(measured, "it", "test", english, questions)
    file.write_text("\n".join(rows[:-2]), "utf-8")
    told = r"test\.it\.jsonl has 10 items and COPA 12, .* item 511, 512 is in one alone"
    with pytest.raises(DataError, match=told):
        xcopa.load_beside(measured, "it", "test", english, questions)


def test_a_shuffled_language_is_paired_by_its_own_numbers(measured: Path) -> None:
    file = measured / "xcopa/it/test.it.jsonl"
    before = xcopa.load(measured, "it", "test", "repaired")
    rows = [
        json.dumps({**json.loads(line), "idx": index})
        for index, line in enumerate(file.read_text("utf-8").splitlines())
    ]
    file.write_text("\n".join(rows[5:] + rows[:5]), "utf-8")
    assert xcopa.load(measured, "it", "test", "repaired") == before


def test_an_unknown_language_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no language 'en'; it has et, ht, "):
        xcopa.load(tmp_path, "en", "test", "upstream")
