"""XCOPA, its defect, and the repair."""

from __future__ import annotations

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


def test_rows_that_do_not_correspond_are_not_repaired(measured: Path) -> None:
    english = copa.load(measured, "test")
    with pytest.raises(DataError, match="correspond"):
        xcopa.repair(english, english[::-1])


def test_an_unknown_language_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no language 'en'; it has et, ht, "):
        xcopa.load(tmp_path, "en", "test", "upstream")
