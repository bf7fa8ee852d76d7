"""The answers behind cascades: both variants and other words, asked once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.engine.prompt import Prompt
from app.settings import Settings
from loadtests.study import answers as asking
from loadtests.study.answers import (
    ENGLISH_TEST,
    FILE,
    NINE_TEST,
    REWORDED,
    VALIDATION,
    answers,
    other_words,
)
from loadtests.study.errors import StudyError
from tests.models.tasks.invented_causal import write_measured

pytestmark = pytest.mark.usefixtures("tiny_settings")


def ignore(run: str, items: int) -> None:
    """Nobody watches."""


def test_every_model_answers_every_set_and_is_not_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_measured(tmp_path / "data", 12)
    told: set[str] = set()
    found = answers(Settings(), data, 4, tmp_path, lambda run, items: told.add(run))
    assert told == set(found.logits) == {"direct", "stilts", REWORDED}
    for key in (VALIDATION, ENGLISH_TEST, *NINE_TEST):
        own = [found.of(run, key).logits for run in ("direct", "stilts", REWORDED)]
        assert all(logits.shape == (4, 2) for logits in own)
        assert not np.allclose(own[0], own[1])
        assert not np.allclose(own[1], own[2])
    monkeypatch.setattr(asking, "predict_all", None)
    again = answers(Settings(), data, 4, tmp_path, ignore)
    assert np.allclose(again.of(REWORDED, VALIDATION).logits, found.of(REWORDED, VALIDATION).logits)


def test_what_is_kept_and_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"cut")
    with pytest.raises(StudyError, match="remove the file"):
        answers(Settings(), tmp_path, 4, tmp_path, ignore)


def test_other_words_are_never_the_own_ones() -> None:
    short = other_words(Prompt())
    assert short != Prompt()
    assert other_words(short) == Prompt()
