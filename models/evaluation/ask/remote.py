"""Asks a running service through its public HTTP API: what its users get is what is measured."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from app.engine.tokenizer import CausalItem
from models.evaluation.ask.predictor import Advance, EvaluationError

CALL_ITEMS = 64
"""Items in a call, at first; a call that is too much for the service is halved."""

TIMEOUT = httpx.Timeout(120, connect=10)
"""Seconds; the service's own deadline is shorter by default, and its answer says more."""

RETRY_AFTER_S = 1.0
"""How long to wait where nobody says."""

PATIENCE_S = 300.0
"""How long the service may go on without an answer before it is given up."""

_TOO_MUCH = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.GATEWAY_TIMEOUT,
}
_PASSING = {*_TOO_MUCH, HTTPStatus.SERVICE_UNAVAILABLE}


@dataclass(frozen=True)
class RetryClock:
    """Time as it passes here, in seconds."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class _Reply:
    """What a call came back with."""

    status: int
    body: Any
    retry_after: float = RETRY_AFTER_S

    @property
    def summary(self) -> str:
        detail = self.body.get("detail") if isinstance(self.body, dict) else None
        return f"{self.status}: {detail}" if detail else str(self.status)


class Service:
    """A running service. A context manager, which closes the connection."""

    def __init__(
        self,
        url: str,
        clock: RetryClock | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Prepare to ask; nothing is sent yet.

        Args:
            url: of the service's root.
            clock: tells the time and waits; the real one when not given.
            transport: carries the calls; a connection when not given.

        Raises:
            EvaluationError: that is no URL.
        """
        try:
            self._client = httpx.Client(base_url=url, timeout=TIMEOUT, transport=transport)
        except httpx.InvalidURL as error:
            raise EvaluationError(f"{url!r} is no URL: {error}") from error
        self.url = url
        self.clock = clock or RetryClock()

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def revisions(self) -> dict[str, str]:
        """Return the revision of each model it serves, by name; waits while they load.

        Raises:
            EvaluationError: there is no such service.
        """
        patience = _Patience(self)
        while (reply := self._models()).status == HTTPStatus.SERVICE_UNAVAILABLE:
            patience.wait(reply)
        try:
            return {card["name"]: card["revision"] for card in reply.body["models"]}
        except (KeyError, TypeError) as error:
            raise EvaluationError(
                f"{self.url} is not this service: GET /models answers {reply.summary}"
            ) from error

    def _models(self) -> _Reply:
        try:
            return _reply(self._client.get("models"))
        except httpx.HTTPError as error:
            raise EvaluationError(f"{self.url} cannot be reached: {error}") from error

    def predict(self, model: str, items: Sequence[CausalItem]) -> _Reply:
        """Ask for a batch of items; what the network breaks off counts as timed out, 504."""
        body = {"items": [asdict(item) for item in items], "model": model}
        try:
            return _reply(self._client.post("predict/xcopa/batch", json=body))
        except httpx.TransportError as error:
            detail = f"{type(error).__name__}: {error}"
            return _Reply(HTTPStatus.GATEWAY_TIMEOUT, {"detail": detail})


class RemotePredictor:
    """One model of a running service."""

    def __init__(self, service: Service, model: str, revision: str) -> None:
        self._service = service
        self._model = model
        self._revision = revision

    @property
    def revision(self) -> str:
        return self._revision

    def logits(self, items: Sequence[CausalItem], advance: Advance) -> NDArray[np.float64]:
        """Return the logits; see ``Predictor``.

        Items that a busy service refuses are asked again after the time it names, and fewer at
        once where they were too many for it.
        """
        logits = np.empty((len(items), 2))
        waiting = deque(range(len(items)))
        size = CALL_ITEMS
        patience = _Patience(self._service)
        while waiting:
            call = [waiting.popleft() for _ in range(min(size, len(waiting)))]
            reply = self._service.predict(self._model, [items[index] for index in call])
            answered = dict(zip(call, self._answers(reply, len(call)), strict=True))
            for index, pair in answered.items():
                if pair is not None:
                    logits[index] = pair
            missed = [index for index, pair in answered.items() if pair is None]
            waiting.extendleft(reversed(missed))
            if len(missed) == len(call):
                size = self._smaller(size, reply)
                patience.wait(reply)
            else:
                advance(len(call) - len(missed))
                patience.renew()
        return logits

    def _smaller(self, size: int, reply: _Reply) -> int:
        if reply.status not in _TOO_MUCH:
            return size
        if size == 1 and reply.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise EvaluationError(f"{self._service.url} refuses a single item: {reply.summary}")
        return max(1, size // 2)

    def _answers(self, reply: _Reply, items: int) -> list[list[float] | None]:
        """Return the logits of each item of a call, None where it is to be asked again."""
        if reply.status in _PASSING:
            return [None] * items
        try:
            predictions = reply.body["predictions"]
            return [
                self._answer(prediction)
                for _, prediction in zip(range(items), predictions, strict=True)
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise EvaluationError(
                f"{self._service.url} does not answer items of COPA: {reply.summary}"
            ) from error

    def _answer(self, prediction: dict[str, Any]) -> list[float] | None:
        if problem := prediction.get("error"):
            if problem["status"] in _PASSING:
                return None
            reason = f"{problem['status']}: {problem['detail']}"
            raise EvaluationError(f"{self._service.url} cannot answer an item: {reason}")
        if prediction["revision"] != self._revision:
            change = f"from {self._revision} to {prediction['revision']}"
            raise EvaluationError(
                f"{self._service.url} changed {self._model} {change} while it was measured"
            )
        logits: list[float] = prediction["logits"]
        return logits


class _Patience:
    """Waits as a service asks, but not for ever."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.renew()

    def renew(self) -> None:
        self._over = self._service.clock.now() + PATIENCE_S

    def wait(self, reply: _Reply) -> None:
        """Wait for as long as the reply says.

        Raises:
            EvaluationError: nothing was answered for too long.
        """
        if self._service.clock.now() + reply.retry_after > self._over:
            raise EvaluationError(
                f"{self._service.url} answered nothing for {PATIENCE_S:.0f} s; its last word: "
                f"{reply.summary}"
            )
        self._service.clock.sleep(reply.retry_after)


def _reply(response: httpx.Response) -> _Reply:
    try:
        body = response.json()
    except ValueError:
        body = None
    return _Reply(response.status_code, body, _retry_after(response))


def _retry_after(response: httpx.Response) -> float:
    # A proxy may send a date instead, which is not worth reading.
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else RETRY_AFTER_S
