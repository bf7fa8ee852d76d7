"""Progress names the condition, the phase and the seed that it belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.evaluation.ask.items import distinct
from models.evaluation.ask.predictor import Run
from models.intermediate.bars import Watch
from models.intermediate.measured import asked
from models.training.progress import Progress
from tests.models.tasks.invented_causal import write_measured

WATCH = Watch().of("2/13 ecare")


def test_each_model_has_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    items = asked(write_measured(tmp_path, items=5), 2)
    total = len(distinct(items))
    runs = [Run("ecare", lambda: 1 / 0, f"seed-{seed}") for seed in (1, 2)]  # type: ignore[arg-type, return-value]
    with WATCH.measuring(runs, items) as advance:
        for run in runs:
            advance(run.name, 0)
            advance(run.name, total)
    assert [line.rpartition(": ")[0] for line in capsys.readouterr().err.splitlines()] == [
        *["2/13 ecare: asking seed-1"] * 2,
        *["2/13 ecare: asking seed-2"] * 2,
    ]


def test_each_phase_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    with WATCH.training() as on_phase:
        on_phase("intermediate-ecare seed-1/1-ecare")(Progress(5, 5, [(0, "ecare", 1.5)]), 5)
    assert capsys.readouterr().err == (
        "2/13 ecare: seed-1/1-ecare: 5 of 5 steps, loss 1.500, validation -\n"
    )
