"""The service with engines that take a share longer than they need.

PLANTED_SHARE=0.05 uvicorn tests.loadtests.study.slowed_server:service
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Mapping, Sequence

from app.engine.engine import Engine, Row
from app.main import create_app
from app.settings import Settings
from app.weights.variant import Variant, load_models

SHARE = "PLANTED_SHARE"


class SlowedEngine:
    """Computes, and then computes nothing for a share of that time."""

    def __init__(self, engine: Engine, share: float) -> None:
        self._engine = engine
        self._share = share

    def warm_up(self) -> None:
        self._engine.warm_up()

    def logits(self, rows: Sequence[Row]) -> Sequence[float]:
        began = time.perf_counter()
        logits = self._engine.logits(rows)
        ended = time.perf_counter()
        while time.perf_counter() < ended + self._share * (ended - began):
            pass
        return logits


def load_slowed(settings: Settings) -> Mapping[str, Variant]:
    """Load the models, and slow the engine of each."""
    share = float(os.environ[SHARE])
    return {
        name: dataclasses.replace(variant, engine=SlowedEngine(variant.engine, share))
        for name, variant in load_models(settings.model_copy(update={"engines": 0})).items()
    }


service = create_app(load=load_slowed)
