"""``xcopa train --dry-run``: everything that can be checked is checked, and the plan is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from accelerate import PartialState

from models.training.checkpoints import Checkpoints
from models.training.cost import phase_cost
from models.training.done import DonePhase
from models.training.forecast import Forecast, measured_rate
from models.training.holding import check_free
from models.training.phase import PhaseRun
from models.training.prepare import TrainingRun, check_room, prepare
from models.training.stale import refuse, stale_phases


def rehearse(run: TrainingRun) -> Iterator[str]:
    """Check a run as ``train`` does before its first step; trains, writes and removes nothing.

    Yields:
        What the run would do, and what it would take, a line each.

    Raises:
        TrainingError, DataError, StartError: ``train`` would raise it.
    """
    prepared = prepare(run)
    check_free(run.work)
    stale = stale_phases(prepared)
    if not run.force:
        refuse(prepared, stale)
    room = check_room(prepared)
    yield f"base: {run.recipe.base}, revision {prepared.provenance.base}"
    runs = [each for seed in run.recipe.seeds for each in prepared.phases(seed)]
    folders = {each.folder: each for each in runs}
    valid = [folder for folder in folders if folder not in stale]
    forecast = Forecast(measured_rate(valid), processes())
    for folder, phase_run in folders.items():
        state = _state(folder, stale)
        yield described(phase_run, state)
        cost = phase_cost(phase_run, prepared.config, forecast.processes)
        yield from forecast.lines(cost, is_done=state == _DONE)
    yield forecast.left()
    for folder in stale.keys() - {each.folder for each in runs}:
        yield f"{folder}: would be removed, made with {stale[folder]}"
    yield room


_DONE = "done"


def processes() -> int:
    """Return how many processes divide the batches."""
    return int(PartialState(cpu=not torch.cuda.is_available()).num_processes)


def described(phase_run: PhaseRun, state: str) -> str:
    """Say what a phase trains on, and in how many steps."""
    sets = ", ".join(f"{name} ({len(rows):,})" for name, rows in phase_run.sets.training.items())
    steps = -(-len(phase_run.batches()) // (phase_run.phase.accumulation * processes()))
    return f"{phase_run.folder}: {sets}; {steps:,} steps; {state}"


def _state(folder: Path, stale: Mapping[Path, str]) -> str:
    if folder in stale:
        return f"would start anew, made with {stale[folder]}"
    if DonePhase.is_in(folder):
        return _DONE
    step = Checkpoints(folder).last_step()
    return "not begun" if step is None else f"would go on from step {step:,}"
