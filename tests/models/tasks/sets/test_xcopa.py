"""XCOPA, its defect, and the repair, on real rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.tasks.example import DataError
from models.tasks.sets import copa, xcopa

DEFECTS = {"th": 250, "tr": 51, "sw": 37, "id": 4, "it": 4}
"""Questions of the test files that contradict COPA, as the data's own notes count them."""


@pytest.mark.parametrize("language", xcopa.LANGUAGES)
def test_the_repair_changes_the_known_defects_and_nothing_else(data: Path, language: str) -> None:
    upstream = xcopa.load(data, language, "test", "upstream")
    repaired = xcopa.load(data, language, "test", "repaired")
    changed = [(a, b) for a, b in zip(upstream, repaired, strict=True) if a != b]
    assert len(upstream) == 500
    assert len(changed) == DEFECTS.get(language, 0)
    assert all(a.label == b.label and a.item.premise == b.item.premise for a, b in changed)
    questions = [example.item.question for example in copa.load(data, "test")]
    assert [example.item.question for example in repaired] == questions


def test_rows_that_do_not_correspond_are_not_repaired(data: Path) -> None:
    english = copa.load(data, "test")
    with pytest.raises(DataError, match="correspond"):
        xcopa.repair(english, english[::-1])


def test_an_unknown_language_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no language 'en'; it has et, ht, "):
        xcopa.load(tmp_path, "en", "test", "upstream")
