"""The real service with engines that fail on demand: ``python -m tests.chaos.faulty_server``.

Everything but the engines is what ``xcopa serve`` runs; the faults are steered by ``Faults``.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from unittest import mock

import torch

import app.main
import app.weights.variant
from app.engine.engine import Engine
from app.engine.plan import IN_PROCESS
from app.engine.processes.messages import SharedWeights
from app.server import serve
from app.settings import Settings
from app.weights import held
from app.weights.job import Job
from app.weights.variant import Variant, load_models
from tests.chaos.faults import Batch, Fault, Faults, Mode


class InjectedError(RuntimeError):
    """The engine fails because a test wants it to."""


class FaultyEngine:
    """An engine that meets the fault that is on before it answers; else it is the real one."""

    def __init__(self, model: str, engine: Engine, faults: Faults) -> None:
        self._model = model
        self._engine = engine
        self._faults = faults

    def logits(self, rows: Sequence[Sequence[int]]) -> Sequence[float]:
        batch = Batch(self._model, [list(row) for row in rows], time.monotonic())
        self._faults.note(batch)
        self._meet(self._unstuck(), batch)
        return self._engine.logits(rows)

    def warm_up(self) -> None:
        self._engine.warm_up()

    def _unstuck(self) -> Fault:
        while (fault := self._faults.now).mode is Mode.STICK:
            time.sleep(0.01)
        return fault

    def _meet(self, fault: Fault, batch: Batch) -> None:
        match fault.mode:
            case Mode.SLOW:
                time.sleep(fault.seconds)
            case Mode.RAISE:
                raise InjectedError("every batch fails")
            case Mode.POISON if batch.holds(fault.poison_token):
                raise InjectedError("the batch is poisoned")
            case Mode.EAT if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
                torch.empty(1 << 30).fill_(0)
            case Mode.KILL if batch.holds(fault.poison_token):
                os.kill(os.getpid(), signal.SIGKILL)
            case Mode.DIE:
                self._faults.clear()
                raise SystemExit


def load_faulty_models(settings: Settings) -> dict[str, Variant]:
    if settings.engines != IN_PROCESS:
        # The faults are in the processes of the engines, and so is what makes them.
        with mock.patch.object(app.weights.variant, "FACTORY", "tests.chaos.faulty_server:hold"):
            return load_models(settings)
    faults = Faults.from_environment()
    return {
        name: dataclasses.replace(variant, engine=FaultyEngine(name, variant.engine, faults))
        for name, variant in load_models(settings).items()
    }


class FaultyWeights:
    """Real weights, with faulty engines."""

    def __init__(self, job: Job) -> None:
        weights = held.hold(job)
        self._weights = weights
        self._names = list(job.checkpoints)
        self.about, self.plan = weights.about, weights.plan

    def warm_up(self) -> None:
        self._weights.warm_up()

    def engines(self, number: int) -> Sequence[Engine]:
        faults = Faults.from_environment()
        real = self._weights.engines(number)
        return [
            FaultyEngine(name, engine, faults)
            for name, engine in zip(self._names, real, strict=True)
        ]


def hold(job: Job) -> SharedWeights:
    return FaultyWeights(job)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    with mock.patch.object(app.main, "load_models", load_faulty_models):
        sys.exit(serve(Settings()))
