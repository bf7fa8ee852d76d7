"""Checkpoints: which are kept, which is resumed, and what a damaged one costs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.training.checkpoints import Checkpoints, SavedStep
from models.training.errors import TrainingError
from models.training.progress import Progress


def saved(step: int) -> SavedStep:
    return SavedStep({"a": torch.full((3,), float(step))}, Progress(step=step), {"rates": {}})


def newest(folder: Path) -> int | None:
    found = Checkpoints(folder).newest(lambda: None, is_main=True)
    if found is None:
        return None
    assert found.weights["a"][0] == found.progress.step
    return found.progress.step


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for step in (3, 6, 9):
        Checkpoints(tmp_path).save(saved(step))
    return tmp_path


def states(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.glob("*/state.pt"))


def test_the_last_two_can_be_resumed_and_of_all_the_weights_are_kept(folder: Path) -> None:
    assert states(folder) == ["checkpoint-6", "checkpoint-9"]
    assert newest(folder) == 9
    assert Checkpoints(folder).weights(3)["a"][0] == 3


@pytest.mark.parametrize("content", [b"", b"{}", b"cut"])
@pytest.mark.parametrize(
    "name", ["state.pt", "weights.safetensors", "progress.json", "sha256.json"]
)
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    folder: Path, name: str, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "checkpoint-9" / name).write_bytes(content)
    assert newest(folder) == 6
    assert "checkpoint-9 is damaged; training goes on from step 6" in caplog.text
    assert not (folder / "checkpoint-9").exists(), "it is made again under that name"


def test_a_checkpoint_without_a_file_is_damaged(folder: Path) -> None:
    (folder / "checkpoint-9" / "weights.safetensors").unlink()
    assert newest(folder) == 6


def test_the_state_of_another_phase_is_not_taken(folder: Path) -> None:
    torch.save({"optimizer": {}, "rates": {}}, folder / "checkpoint-9" / "state.pt")
    assert newest(folder) == 6


def test_damaged_weights_of_an_early_evaluation_have_the_phase_begin_again(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The end may choose them, or average over them."""
    (folder / "checkpoint-3" / "weights.safetensors").write_bytes(b"")
    assert newest(folder) is None
    assert "checkpoint-3 is damaged; the phase begins again" in caplog.text
    assert not list(folder.glob("checkpoint-*"))


def test_only_the_first_process_removes_and_none_before_all_have_looked(folder: Path) -> None:
    (folder / "checkpoint-9" / "state.pt").write_bytes(b"")
    seen: list[bool] = []
    found = Checkpoints(folder).newest(
        lambda: seen.append((folder / "checkpoint-9").exists()), is_main=True
    )
    assert found is not None
    assert seen == [True, False]


def test_another_process_removes_nothing(folder: Path) -> None:
    (folder / "checkpoint-9" / "state.pt").write_bytes(b"")
    found = Checkpoints(folder).newest(lambda: None, is_main=False)
    assert found is not None
    assert found.progress.step == 6
    assert (folder / "checkpoint-9").exists()


def test_a_checkpoint_that_cannot_be_written_leaves_those_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("unexpected pos 704 vs 598")

    with monkeypatch.context() as patched:
        patched.setattr(torch, "save", full)
        with pytest.raises(TrainingError, match=r"cannot write .*checkpoint-12: the disk is full"):
            Checkpoints(folder).save(saved(12))
    assert newest(folder) == 9
    assert not (folder / "saving").exists(), "it would keep the disk full"
