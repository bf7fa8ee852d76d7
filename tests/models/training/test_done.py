"""A phase that is done survives its process, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.training import done
from models.training.done import DonePhase
from models.training.errors import TrainingError
from tests.models.training import runs


def test_a_phase_is_read_as_it_was_written(tmp_path: Path) -> None:
    read = runs.done(tmp_path / "2-copa")
    written = runs.outcome()
    assert read.title == "2-copa"
    assert read.progress == written.progress
    assert read.chosen == written.chosen
    assert read.digests == runs.DIGESTS
    weights = read.weights()
    assert weights.keys() == written.weights.keys()
    assert all(torch.equal(weights[name], weight) for name, weight in written.weights.items())


def test_checkpoints_go_when_the_phase_is_done(tmp_path: Path) -> None:
    for name in ("checkpoint-2", "checkpoint-4"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights.safetensors").write_bytes(b"large")
    (tmp_path / "depends-on.json").write_text("{}", "utf-8")
    DonePhase.write(tmp_path, runs.outcome(), {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["depends-on.json", "done"]


def test_a_phase_that_was_killed_as_it_finished_is_not_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "checkpoint-4").mkdir()

    class Killed(BaseException):
        """Ends the process as the weights are written."""

    def killed(_: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(done, "save_file", killed)
        with pytest.raises(Killed):
            DonePhase.write(tmp_path, runs.outcome(), {})
    assert not DonePhase.is_in(tmp_path)
    assert (tmp_path / "checkpoint-4").is_dir(), "what the next process goes on from"

    DonePhase.write(tmp_path, runs.outcome(), {})
    assert DonePhase.is_in(tmp_path)
    assert DonePhase.read(tmp_path).weights().keys() == runs.outcome().weights.keys()
    assert not (tmp_path / "finishing").exists()


def test_a_phase_whose_checkpoints_did_not_all_go_is_done(tmp_path: Path) -> None:
    """The phase takes its name before its checkpoints go: a kill between loses nothing."""
    runs.done(tmp_path / "phase")
    (tmp_path / "phase" / "checkpoint-4").mkdir()
    assert DonePhase.is_in(tmp_path / "phase")
    DonePhase.tidy(tmp_path / "phase")
    assert [path.name for path in (tmp_path / "phase").iterdir()] == ["done"]


@pytest.mark.parametrize("name", ["weights.safetensors", "progress.json", "phase.json"])
def test_a_damaged_file_of_a_phase_is_told_with_what_to_do(tmp_path: Path, name: str) -> None:
    runs.done(tmp_path / "phase")
    (tmp_path / "phase" / "done" / name).write_bytes(b"{")
    with pytest.raises(TrainingError, match=r"done is damaged \(.*\); remove it"):
        DonePhase.read(tmp_path / "phase").weights()
