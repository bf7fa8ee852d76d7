"""e-CARE: its development set without what its training set has shown."""

from __future__ import annotations

from pathlib import Path

from models.tasks.sets import ecare
from tests.models.tasks.invented_causal import BELL, ECARE
from tests.models.tasks.writing import write


def test_development_premises_that_training_has_seen_are_left_out(tmp_path: Path) -> None:
    kept = ecare.load(write(ECARE.files, tmp_path), "val")
    assert [example.item.premise for example in kept] == [BELL["premise"]]
