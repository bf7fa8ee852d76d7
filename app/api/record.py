"""What becomes known of a request on its way, for the line that it leaves in the log."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.types import Scope

from app.errors import ServiceError
from app.model_settings.names import SEVERAL
from app.serving.answer import Ask, Stages

_RECORD = "record"
_MOST_CHARACTERS = 16_384
"""Of texts in one line of the log."""


@dataclass
class RequestRecord:
    """Filled by whoever learns something; read once, when the request has been answered."""

    started: float = field(default_factory=time.monotonic)
    stages: Stages = field(default_factory=Stages)
    models: tuple[str, ...] = ()
    items: int = 0
    error: ServiceError | None = None
    """The problem with which it was answered. What that says may quote what was sent."""
    total: float | None = None
    """Seconds until its answer began."""
    texts: list[list[str]] = field(default_factory=list)
    """Of each item; empty unless the operator asked for them."""

    @property
    def model(self) -> str:
        """The model that was asked, or that there were several."""
        return self.models[0] if len(self.models) == 1 else SEVERAL

    @property
    def seconds(self) -> tuple[float | None, ...]:
        """The time of each stage, in the order in which metrics have them."""
        stages = self.stages
        return stages.admission, stages.tokenise, stages.queue, stages.inference, self.total

    def asked(self, asks: Sequence[Ask], *, texts: bool) -> None:
        """Note that the service is asked now."""
        self.stages.admission = time.monotonic() - self.started
        self.models = tuple(dict.fromkeys(ask.model for ask in asks))
        self.items = len(asks)
        if texts:
            self.texts = _shown(asks)

    def failed(self, error: ServiceError) -> None:
        """Note the problem with which the request is answered."""
        self.error = error


def _shown(asks: Sequence[Ask]) -> list[list[str]]:
    """Return premise and choices of each item, up to a limit of all together."""
    room, shown = _MOST_CHARACTERS, []
    for ask in asks:
        texts = [ask.item.premise, *ask.item.choices]
        room -= sum(map(len, texts))
        if room < 0:
            break
        shown.append(texts)
    return shown


def begin(scope: Scope) -> RequestRecord:
    """Begin the record of a request."""
    record = RequestRecord()
    scope.setdefault("state", {})[_RECORD] = record
    return record


def record_of(scope: Scope) -> RequestRecord:
    """Return the record of a request; one that nobody reads where none was begun."""
    record: RequestRecord | None = scope.get("state", {}).get(_RECORD)
    return record or RequestRecord()
