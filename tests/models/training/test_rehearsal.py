"""A dry run says what a run would do, and does none of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.tasks.example import DataError
from models.training.errors import TrainingError
from models.training.holding import held
from models.training.prepare import TrainingRun
from models.training.rehearsal import rehearse
from tests.models.training.networks import phase
from tests.models.training.small import PHASE, first, go, small_run, with_recipe


@pytest.fixture
def run(tmp_path: Path) -> TrainingRun:
    return small_run(tmp_path)


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def test_it_names_base_phases_steps_and_room_and_writes_nothing(run: TrainingRun) -> None:
    before = files(run.base.parent)
    base, *lines, left, room = rehearse(with_recipe(run, seeds=(3, 4)))
    phases, costs, memories = lines[::3], lines[1::3], lines[2::3]
    assert base.startswith(f"base: {run.base}, revision ")
    assert [line.partition(": ")[0] for line in phases] == [
        str(run.work / name) for name in ("seed-3/1-socialiqa", "seed-3/2-copa", "seed-4/2-copa")
    ]
    assert all("(12); " in line and line.endswith(" steps; not begun") for line in phases)
    assert all(" tokens, " in line and line.startswith("  ") for line in costs)
    assert all(line.startswith("  about ") and "; " not in line for line in memories)
    assert left.startswith("phases that are not done: ")
    assert left.endswith(
        ", at 100 TFLOP/s (assumed: small batches do less, evaluations come on top)"
    )
    assert "MB more, of " in room
    assert files(run.base.parent) == before


def test_it_tells_the_steps_that_a_recipe_names(run: TrainingRun) -> None:
    own = first(epochs=None, steps=11, accumulation=2)
    _, line, *_ = rehearse(with_recipe(run, phases=(own, phase(**PHASE))))
    assert line == f"{run.work / 'seed-3' / '1-socialiqa'}: socialiqa (12); 11 steps; not begun"


def test_it_tells_what_is_done_and_where_the_rest_goes_on(run: TrainingRun) -> None:
    go(run)
    before = files(run.base.parent)
    longer = with_recipe(run, seeds=(3, 4))
    (folder := run.work / "seed-4" / "2-copa" / "checkpoint-7").mkdir(parents=True)
    (folder / "state.pt").write_bytes(b"")
    with pytest.raises(TrainingError, match="no record of"):
        list(rehearse(longer))
    lines = list(rehearse(replace(longer, force=True)))
    assert lines[1].endswith("; done")
    assert lines[4].endswith("; done")
    assert "would start anew, made with something that it has no record of" in lines[7]
    taken = lines[8].strip()
    assert lines[10].startswith(f"phases that are not done: {taken}, at the ")
    assert lines[10].endswith(f" TFLOP/s of {run.work / 'seed-3' / '2-copa'}")
    assert set(before) < set(files(run.base.parent)), "a dry run removes nothing"


def test_it_names_what_force_would_remove(run: TrainingRun) -> None:
    go(run)
    other = with_recipe(run, phases=(first(), phase(**PHASE, tasks=("socialiqa", "copa"))))
    lines = list(rehearse(replace(other, force=True)))
    [removed] = [line for line in lines if "would be removed" in line]
    assert removed.startswith(f"{run.work / 'seed-3' / '2-copa'}: would be removed, made with ")


def test_it_fails_as_the_run_would(run: TrainingRun) -> None:
    with held(run.work), pytest.raises(TrainingError, match="is in use by"):
        list(rehearse(run))
    (run.base.parent / "data" / "copa" / "train.jsonl").unlink()
    with pytest.raises(DataError, match="copa"):
        list(rehearse(run))
