"""A running service, as a client of its public HTTP API sees it: one call, one reply."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx

from app.engine.tokenizer import CausalItem
from app.keys.own_key import KEY_VARIABLE
from models.evaluation.ask.predictor import EvaluationError

_UNTRUSTED_HINT = "; SSL_CERT_FILE names the file of a private authority"

TIMEOUT = httpx.Timeout(120, connect=10)
"""Seconds; the service's own deadline is shorter, and its answer says more."""

DEADLINE_MS = 110_000
"""What a call asks of the service: it stops its work before this side stops listening."""

RETRY_AFTER_S = 1.0
"""How long to wait where nobody says."""

PATIENCE_S = 300.0
"""How long the service may go on without an answer before it is given up."""


NOT_ALLOWED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
"""The service wants another API key, or one at all."""


@dataclass(frozen=True)
class RetryClock:
    """Time as it passes here, in seconds."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep


@dataclass(frozen=True)
class Reply:
    """What a call came back with."""

    status: int
    body: Any
    retry_after: float = RETRY_AFTER_S

    @property
    def summary(self) -> str:
        detail = self.body.get("detail") if isinstance(self.body, dict) else None
        return f"{self.status}: {detail}" if detail else str(self.status)


@dataclass(frozen=True)
class RemoteModel:
    """A model that a service says it serves."""

    name: str
    revision: str
    default: bool


class Service:
    """A running service. A context manager, which closes the connections.

    Several threads may ask it at once. When it is closed, those that wait to ask again stop.
    """

    def __init__(
        self,
        url: str,
        clock: RetryClock | None = None,
        transport: httpx.BaseTransport | None = None,
        key: str | None = None,
    ) -> None:
        """Prepare to ask; nothing is sent yet.

        Args:
            url: of the service's root.
            clock: tells the time and waits; the real one when not given.
            transport: carries the calls; connections when not given.
            key: the API key to send.

        Raises:
            EvaluationError: that is no URL.
        """
        try:
            self._client = httpx.Client(
                base_url=url,
                timeout=TIMEOUT,
                transport=transport,
                headers={"X-Request-Timeout-Ms": str(DEADLINE_MS), **_authorization(key)},
            )
        except httpx.InvalidURL as error:
            raise EvaluationError(f"{url!r} is no URL: {error}") from error
        except OSError as error:  # httpx reads the authorities that the environment names
            named = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")
            message = f"SSL_CERT_FILE, SSL_CERT_DIR: {named} holds no certificates: {error}"
            raise EvaluationError(message) from error
        self.url = url
        self._closed = threading.Event()
        self.clock = clock or RetryClock(sleep=self._closed.wait)

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._client.close()

    def models(self) -> list[RemoteModel]:
        """Return the models that it serves; waits while they load.

        Raises:
            EvaluationError: there is no such service.
        """
        patience = Patience(self)
        while (reply := self._models()).status == HTTPStatus.SERVICE_UNAVAILABLE:
            patience.wait(reply)
        if reply.status in NOT_ALLOWED:
            raise EvaluationError(self.refusal(reply))
        try:
            return [
                RemoteModel(card["name"], card["revision"], card.get("default", False))
                for card in reply.body["models"]
            ]
        except (KeyError, TypeError, AttributeError) as error:
            raise EvaluationError(
                f"{self.url} is not this service: GET /models answers {reply.summary}"
            ) from error

    def refusal(self, reply: Reply) -> str:
        """Return why the service lets nobody in with this key, and how to name one."""
        return f"{self.url} answers {reply.summary} ({KEY_VARIABLE} or --key-file names a key)"

    def revisions(self) -> dict[str, str]:
        """Return the revision of each model that it serves; raises what ``models`` raises."""
        return {model.name: model.revision for model in self.models()}

    def _models(self) -> Reply:
        try:
            return _reply(self._client.get("models"))
        except httpx.HTTPError as error:
            hint = _UNTRUSTED_HINT if "CERTIFICATE_VERIFY_FAILED" in str(error) else ""
            raise EvaluationError(f"{self.url} cannot be reached: {error}{hint}") from error

    def predict(self, model: str, items: Sequence[CausalItem]) -> Reply:
        """Ask for a batch of items.

        What does not come in time counts as timed out, 504, and what the network breaks off as a
        service that is away, 503.
        """
        body = {"items": [asdict(item) for item in items], "model": model}
        try:
            return _reply(self._client.post("predict/xcopa/batch", json=body))
        except httpx.TransportError as error:
            timed_out = isinstance(error, httpx.ReadTimeout)
            status = HTTPStatus.GATEWAY_TIMEOUT if timed_out else HTTPStatus.SERVICE_UNAVAILABLE
            return Reply(status, {"detail": f"{type(error).__name__}: {error}"})

    def pause(self, seconds: float) -> None:
        """Wait.

        Raises:
            EvaluationError: it was closed meanwhile.
        """
        self.clock.sleep(seconds)
        if self._closed.is_set():
            raise EvaluationError(f"{self.url} is asked no more")


class Patience:
    """Waits as a service asks, but not for ever."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.renew()

    def renew(self) -> None:
        self._over = self._service.clock.now() + PATIENCE_S

    def wait(self, reply: Reply) -> None:
        """Wait for as long as the reply says.

        Raises:
            EvaluationError: nothing was answered for too long.
        """
        if self._service.clock.now() + reply.retry_after > self._over:
            raise EvaluationError(
                f"{self._service.url} answered nothing for {PATIENCE_S:.0f} s; its last word: "
                f"{reply.summary}"
            )
        self._service.pause(reply.retry_after)


def _authorization(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Authorization": f"Bearer {key}"}


def _reply(response: httpx.Response) -> Reply:
    try:
        body = response.json()
    except ValueError:
        body = None
    return Reply(response.status_code, body, _retry_after(response))


def _retry_after(response: httpx.Response) -> float:
    """Return the seconds that ``Retry-After`` names (RFC 9110, section 10.2.3).

    A date, which a proxy may send, is read by the response's own ``Date``: clocks may differ.
    """
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        then, now = map(parsedate_to_datetime, (value, response.headers.get("Date", "")))
        return max(0.0, math.ceil((then - now).total_seconds()))
    except (TypeError, ValueError):
        return RETRY_AFTER_S
