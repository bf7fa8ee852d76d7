"""A running service, as a client of its public HTTP API sees it: one call, one reply."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx

from app.engine.tokenizer import CausalItem
from app.keys.own_key import KEY_VARIABLE
from models.evaluation.ask.patience import Patience, RetryClock
from models.evaluation.ask.predictor import EvaluationError

_UNTRUSTED_HINT = "; SSL_CERT_FILE names the file of a private authority"

TIMEOUT = httpx.Timeout(120, connect=10)
"""Seconds; the service's own deadline is shorter, and its answer says more."""

DEADLINE_MS = 110_000
"""What a call asks of the service: it stops its work before this side stops listening."""

NOT_ALLOWED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
"""The service wants another API key, or one at all."""

TOO_LARGE = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.GATEWAY_TIMEOUT}
"""Fewer items would have been answered: so many are not sent again."""

AWAY = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The same call can be answered later."""

PASSING = TOO_LARGE | AWAY

_BROKEN_OFF = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError, httpx.ReadTimeout)
"""What happens to a call that has reached somebody, who may answer the next one."""


@dataclass(frozen=True)
class Reply:
    """What a call came back with."""

    status: int
    body: Any
    retry_after: float | None = None
    """Seconds that it asks to be left alone, if it says so."""

    @property
    def summary(self) -> str:
        detail = self.body.get("detail") if isinstance(self.body, dict) else None
        return f"{self.status}: {detail}" if detail else str(self.status)


@dataclass(frozen=True)
class RemoteModel:
    """A model that a service says it serves."""

    name: str
    revision: str
    temperature: float = 1.0
    default: bool = False


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
        """Return the models that it serves; waits while they load, or while it is away.

        Raises:
            EvaluationError: there is no such service.
        """
        patience = self.patience()
        while (reply := self._models()).status in PASSING:
            patience.wait(reply.retry_after, reply.summary)
        if reply.status in NOT_ALLOWED:
            raise EvaluationError(self.refusal(reply))
        try:
            return [
                RemoteModel(
                    card["name"],
                    card["revision"],
                    float(card.get("temperature", 1.0)),
                    card.get("default", False),
                )
                for card in reply.body["models"]
            ]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EvaluationError(
                f"{self.url} is not this service: GET /models answers {reply.summary}"
            ) from error

    def refusal(self, reply: Reply) -> str:
        """Return why the service lets nobody in with this key, and how to name one."""
        return f"{self.url} answers {reply.summary} ({KEY_VARIABLE} or --key-file names a key)"

    def _models(self) -> Reply:
        try:
            return _reply(self._client.get("models"))
        except _BROKEN_OFF as error:
            return _away(error)
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
        except httpx.RequestError as error:
            return _away(error)

    def patience(self) -> Patience:
        """Return all the patience there is with it."""
        return Patience(self.url, self.clock, self.pause)

    def pause(self, seconds: float) -> None:
        """Wait.

        Raises:
            EvaluationError: it was closed meanwhile.
        """
        self.clock.sleep(seconds)
        if self._closed.is_set():
            raise EvaluationError(f"{self.url} is asked no more")


def _away(error: httpx.RequestError) -> Reply:
    timed_out = isinstance(error, httpx.ReadTimeout)
    status = HTTPStatus.GATEWAY_TIMEOUT if timed_out else HTTPStatus.SERVICE_UNAVAILABLE
    return Reply(status, {"detail": f"{type(error).__name__}: {error}"})


def _authorization(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Authorization": f"Bearer {key}"}


def _reply(response: httpx.Response) -> Reply:
    try:
        body = response.json()
    except ValueError:
        body = None
    return Reply(response.status_code, body, _retry_after(response))


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that ``Retry-After`` names (RFC 9110, section 10.2.3), or None.

    A date, which a proxy may send, is read by the response's own ``Date``: clocks may differ.
    """
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)  # infinity where it has too many digits
    try:
        then, now = map(parsedate_to_datetime, (value, response.headers.get("Date", "")))
        return max(0.0, math.ceil((then - now).total_seconds()))
    except (TypeError, ValueError, OverflowError):
        return None
