"""Progress survives its file: a run goes on as if it had not been interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.training.progress import Evaluation, Progress
from tests.models.training import runs


@pytest.mark.parametrize("progress", [Progress(), runs.progress()])
def test_progress_is_read_as_it_was_written(progress: Progress, tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    progress.write(path)
    assert Progress.read(path) == progress


def test_what_is_read_goes_on_like_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    runs.progress().write(path)
    read, own = Progress.read(path), runs.progress()
    for each in (read, own):
        each.step += 1
        each.losses.append((4, "copa", 0.5))
        each.evaluations.append(Evaluation(5, {"copa/val": 1.0}))
    assert read == own
    assert Progress() == Progress(losses=[], evaluations=[]), "nothing is shared between runs"


def test_validation_sets_count_the_same_in_the_mean() -> None:
    assert Evaluation(1, {"copa/val": 0.5, "piqa/val": 0.9}).mean == pytest.approx(0.7)
