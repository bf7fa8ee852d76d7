"""COPA: what trains, what chooses and what measures have no item in common."""

from __future__ import annotations

from pathlib import Path

from models.tasks.sets import copa


def test_training_and_measuring_share_no_copa_item(data: Path) -> None:
    train, val, test = ({each.item for each in copa.load(data, s)} for s in copa.SPLITS)
    assert (len(train), len(val), len(test)) == (400, 100, 500)
    assert not train & val
    assert not (train | val) & test
