"""Callers, well and ill behaved, on plain sockets: what they see is what the server sent."""

from __future__ import annotations

import http.client
import json
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, ParamSpec, Self, TypeVar
from urllib.parse import urlsplit

import pytest

from tests.sample import sample_items

PREDICT = "/predict/xcopa"
BATCH = "/predict/xcopa/batch"

CALL_LIMIT_S = 60.0
"""A call that takes longer hangs."""

LINGER_0 = struct.pack("ii", 1, 0)
"""Makes ``close`` reset the connection."""

_WORDS = sorted({word for each in sample_items("en") for word in each["premise"].split()})

Body = Mapping[str, object] | None
T = TypeVar("T")
P = ParamSpec("P")


def item(number: int) -> dict[str, str]:
    """Return an item of English words, the same one for the same number."""
    chance = random.Random(number)  # noqa: S311 - chosen so that items differ
    premise, choice1, choice2 = (" ".join(chance.sample(_WORDS, 6)) for _ in range(3))
    question = chance.choice(("cause", "effect"))
    return {"premise": premise, "choice1": choice1, "choice2": choice2, "question": question}


def items(count: int) -> dict[str, object]:
    """Return the body of a call that asks many items."""
    return {"items": [item(number) for number in range(count)]}


@dataclass(frozen=True)
class Reply:
    """A response that arrived whole, and the seconds that it took."""

    status: int
    headers: Mapping[str, str]
    text: str
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def logits(self) -> list[float]:
        assert self.status == HTTPStatus.OK, self
        logits: list[float] = self.json["logits"]
        return logits

    @property
    def retry_after(self) -> int:
        return int(self.headers["retry-after"])

    @property
    def queue_seconds(self) -> float:
        """How long the item waited for the engine, as the server says."""
        timing = re.search(r"queue;dur=([\d.]+)", self.headers["server-timing"])
        assert timing
        return float(timing.group(1)) / 1000

    def is_problem(self, status: HTTPStatus) -> bool:
        media_type = self.headers.get("content-type", "")
        return self.status == status and media_type.startswith("application/problem+json")


class BrokenConnectionError(Exception):
    """The connection ended before the response did."""


def call(url: str, path: str, body: Body = None, **headers: str) -> Reply:
    """Ask once, on a connection of its own; header names have ``_`` for ``-``.

    Raises:
        ConnectionRefusedError: nobody listens.
        BrokenConnectionError: somebody did, and then did not answer to the end.
    """
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=CALL_LIMIT_S)
    started = time.monotonic()
    try:
        if body is None:
            connection.request("GET", path, headers=named)
        else:
            named["Content-Type"] = "application/json"
            connection.request("POST", path, json.dumps(body), named)
        response = connection.getresponse()
        text = response.read().decode()
    except ConnectionRefusedError:
        raise
    except (OSError, http.client.HTTPException) as error:
        raise BrokenConnectionError(repr(error)) from error
    finally:
        connection.close()
    sent = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, sent, text, time.monotonic() - started)


class Abandoned:
    """A call whose caller will not wait for the answer."""

    def __init__(self, url: str, body: Body, share: float = 1.0) -> None:
        """Send that share of the call's body."""
        address = urlsplit(url)
        content = json.dumps(body).encode()
        head = (
            f"POST {PREDICT} HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        self._socket = socket.create_connection((address.hostname, address.port or 80))
        self._socket.sendall(head.encode() + content[: int(share * len(content))])

    def leave(self, reset: bool = False) -> None:
        """Close the connection in order, or reset it."""
        if reset:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
        self._socket.close()


def in_background(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Run something on a thread of its own."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work(*args, **kwargs))
        except BaseException as error:  # whoever asks for the result meets it
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


class Crowd(Generic[T]):
    """Callers on threads of their own, each doing one thing again and again."""

    def __init__(self, size: int, act: Callable[[int], T]) -> None:
        """Have each call ``act`` with its number in the crowd until ``stop``."""
        self._act = act
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(size)
        self._results = [self._pool.submit(self._repeat, number) for number in range(size)]

    def _repeat(self, number: int) -> list[T]:
        results = []
        while not self._stopped.is_set():
            results.append(self._act(number))
        return results

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()

    def stop(self) -> list[T]:
        """Return what all of them got, or raise what one of them met."""
        self._stopped.set()
        done = [result for own in self._results for result in own.result(2 * CALL_LIMIT_S)]
        self._pool.shutdown()
        return done


def close_to(logits: list[float]) -> object:
    """What equals these logits, whatever batch they are computed in."""
    return pytest.approx(logits, abs=1e-4)
