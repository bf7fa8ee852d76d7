"""What is kept of a condition is read again, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.intermediate import kept
from tests.models.intermediate.made import outcome


def test_a_condition_is_read_as_it_was_kept(tmp_path: Path) -> None:
    done, predictions = outcome("ecare", 0.6)
    kept.keep(tmp_path / "ecare", done, predictions)
    assert kept.read(tmp_path / "ecare") == done
    again = kept.read_logits(tmp_path / "ecare")
    assert list(again.logits) == list(predictions.logits)
    for run, own in predictions.logits.items():
        for key, logits in own.items():
            np.testing.assert_array_equal(again.logits[run][key], logits)
    assert sorted(path.name for path in (tmp_path / "ecare").iterdir()) == [
        "condition.json",
        "logits.jsonl.xz",
    ]


def test_nothing_is_kept_before_the_record_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, predictions = outcome("ecare", 0.6)
    dumps = json.dumps

    def killed(content: Any, indent: int | None = None) -> str:
        if indent is not None:
            raise KeyboardInterrupt
        return dumps(content)

    monkeypatch.setattr(json, "dumps", killed)
    with pytest.raises(KeyboardInterrupt):
        kept.keep(tmp_path, done, predictions)
    assert (tmp_path / "logits.jsonl.xz").exists()
    assert kept.read(tmp_path) is None


def test_a_damaged_record_is_none(tmp_path: Path) -> None:
    (tmp_path / "condition.json").write_text("{}", "utf-8")
    assert kept.read(tmp_path) is None


def test_tokens_of_the_shared_phase_are_told_from_those_of_the_target() -> None:
    done, _ = outcome("ecare", 0.6)
    assert (done.intermediate_tokens, done.intermediate_steps) == (1000, 5)
    assert (done.target_tokens, done.seconds) == (200, 24.0)


def test_the_target_alone_has_no_intermediate_phase() -> None:
    done, _ = outcome("none", 0.6)
    assert (done.intermediate_tokens, done.intermediate_steps) == (0, 0)
    assert (done.target_tokens, done.seconds) == (200, 4.0)
