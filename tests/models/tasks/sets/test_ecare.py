"""e-CARE: its development set without what its training set has shown."""

from __future__ import annotations

from pathlib import Path

from models.tasks.sets import ecare


def test_development_premises_that_training_has_seen_are_left_out(data: Path) -> None:
    seen = {example.item.premise for example in ecare.load(data, "train")}
    kept = ecare.load(data, "val")
    assert len(kept) == 2132 - 282
    assert not any(example.item.premise in seen for example in kept)
