"""The real service with engines that fail on demand: ``python -m tests.chaos.faulty_server``.

Everything but the engines is what ``xcopa serve`` runs; the faults are steered by ``Faults``.
"""

from __future__ import annotations

import dataclasses
import logging
import sys
import time
from collections.abc import Sequence
from unittest import mock

import app.main
from app.engine.engine import Engine
from app.server import serve
from app.settings import Settings
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
            case Mode.DIE:
                self._faults.clear()
                raise SystemExit


def load_faulty_models(settings: Settings) -> dict[str, Variant]:
    faults = Faults.from_environment()
    return {
        name: dataclasses.replace(variant, engine=FaultyEngine(name, variant.engine, faults))
        for name, variant in load_models(settings).items()
    }


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    with mock.patch.object(app.main, "load_models", load_faulty_models):
        sys.exit(serve(Settings()))
