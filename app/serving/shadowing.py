"""A share of one model's items is asked of another one as well, and its answers are only compared.

Callers do not notice: their answers have been sent before. An item is asked only while an engine is
idle and nothing waits, one at a time, so that a caller who comes meanwhile waits for at most one
item more. Else it is dropped, and counted as that. It is nobody's: it counts against no limit.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from app.errors import ServiceError
from app.model_settings.variant_settings import Shadow
from app.serving.answer import Answer, Ask
from app.serving.service import Model, PredictionService
from app.telemetry.metrics import Metrics

TIMEOUT_S = 1.0
"""An item that takes longer is dropped."""


class Shadowing:
    """Asks the shadows of models. One event loop makes and uses it.

    Args:
        shadows: by the name of the model that is asked beside another one.
        answering: returns the service, which lives until an item has its answer.
        metrics: counts.
        chance: returns a number from 0 up to 1, another one each time.
    """

    def __init__(
        self,
        shadows: Mapping[str, Shadow],
        answering: Callable[[], AbstractContextManager[PredictionService[Model]]],
        metrics: Metrics,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._shadows = shadows
        self._answering = answering
        self._metrics = metrics
        self._chance = chance
        self._asked: asyncio.Task[None] | None = None

    def consider(self, asks: Sequence[Ask], outcomes: Sequence[Answer | ServiceError]) -> None:
        """Choose among items that were answered, and have their shadows asked later.

        Nothing is awaited: the caller sends its answers first.
        """
        for name, shadow in self._shadows.items():
            for ask, outcome in zip(asks, outcomes, strict=True):
                if ask.model != shadow.of or not isinstance(outcome, Answer):
                    continue
                if self._chance() < shadow.share:
                    self._ask_later(Ask(ask.item, name), outcome)

    def _ask_later(self, ask: Ask, said: Answer) -> None:
        if self._asked is not None and not self._asked.done():
            self._count(ask, "dropped")
            return
        self._asked = asyncio.create_task(self._compare(ask, said))

    async def _compare(self, ask: Ask, said: Answer) -> None:
        try:
            with self._answering() as service:
                answer = await service.answer_aside(ask, TIMEOUT_S)
        except (ServiceError, TimeoutError):  # draining; or its texts were not read in time
            answer = None
        if answer is None:
            self._count(ask, "dropped")
        else:
            self._count(ask, "agree" if answer.label == said.label else "differ")

    def _count(self, ask: Ask, result: str) -> None:
        self._metrics.shadow_asked(ask.model, ask.item.question, result)
