"""Asks the service for LoadGen, from threads of its own: LoadGen must never wait for an answer."""

from __future__ import annotations

import http.client
import json
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from loadtests import soundness
from loadtests.bench.servers import JSON
from loadtests.failures import FailureTally
from loadtests.items import ItemFields
from loadtests.own_headers import own_headers
from loadtests.target import TargetService

OK, TOO_MANY = 200, 429
TIMEOUT_S = 60.0

AnsweredLabels = Sequence[int]
OnLabels = Callable[[AnsweredLabels], None]
"""Gets the labels of the items that were asked; -1 where there was no sound answer."""

NO_ANSWER = -1


class Dialect(Protocol):
    """How a server is asked about items."""

    def request_of(self, items: Sequence[ItemFields]) -> tuple[str, bytes]:
        """Return the path and the body that ask about items."""

    def labels_of(self, status: int, content: bytes, count: int) -> AnsweredLabels:
        """Return the labels of a response; ``NO_ANSWER`` for all of them if it is not sound."""


@dataclass(frozen=True)
class ServiceDialect:
    """The service's own: one item alone, or several in a list."""

    variant: str

    def request_of(self, items: Sequence[ItemFields]) -> tuple[str, bytes]:
        return request_of(items, self.variant)

    def labels_of(self, status: int, content: bytes, count: int) -> AnsweredLabels:
        return labels_of(status, content, count, self.variant)


@dataclass
class ServiceAsker:
    """Asks about items in threads, each with a connection of its own.

    Args:
        service: who is asked.
        dialect: how, and what an answer says.
        threads: questions that are on their way at a time.
        is_patient: whether a refusal is waited for and asked again, as ``Retry-After`` says.
    """

    service: TargetService
    dialect: Dialect
    threads: int
    is_patient: bool = False
    failed: int = 0
    """Items without a sound answer."""
    failures: FailureTally = field(default_factory=FailureTally)
    """Why, a call each."""
    _asked: queue.SimpleQueue[tuple[Sequence[ItemFields], OnLabels] | None] = field(
        default_factory=queue.SimpleQueue
    )
    _running: list[threading.Thread] = field(default_factory=list)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> ServiceAsker:
        self._running = [
            threading.Thread(target=self._work, daemon=True) for _ in range(self.threads)
        ]
        for thread in self._running:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        del exception
        for _ in range(len(self._running)):
            self._asked.put(None)
        for thread in self._running:
            thread.join()

    def ask(self, items: Sequence[ItemFields], on_labels: OnLabels) -> None:
        """Have items asked, all of them in one call, and return at once."""
        self._asked.put((items, on_labels))

    def _work(self) -> None:
        connection = http.client.HTTPConnection(
            self.service.host, self.service.port, timeout=TIMEOUT_S
        )
        while (work := self._asked.get()) is not None:
            items, on_labels = work
            on_labels(self._labels(connection, items))
        connection.close()

    def _labels(
        self, connection: http.client.HTTPConnection, items: Sequence[ItemFields]
    ) -> AnsweredLabels:
        path, body = self.dialect.request_of(items)
        headers = {**JSON, **own_headers()}
        while True:
            try:
                connection.request("POST", path, body, headers)
                response = connection.getresponse()
                content = response.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                with self._counting:
                    self.failed += len(items)
                    self.failures.note_error(error)
                return [NO_ANSWER] * len(items)
            if response.status != TOO_MANY or not self.is_patient:
                break
            time.sleep(float(response.headers.get("Retry-After", "1")))
        labels = self.dialect.labels_of(response.status, content, len(items))
        if NO_ANSWER in labels:
            with self._counting:
                self.failed += len(items)
                self.failures.note(response.status, content)
        return labels


def request_of(items: Sequence[ItemFields], variant: str) -> tuple[str, bytes]:
    """Return the path and the body that ask about items: one alone, or several in a list."""
    if len(items) == 1:
        return "/predict/xcopa", json.dumps({**items[0], "model": variant}).encode()
    return "/predict/xcopa/batch", json.dumps({"items": items, "model": variant}).encode()


def labels_of(status: int, content: bytes, count: int, variant: str) -> AnsweredLabels:
    """Return the labels of a response; ``NO_ANSWER`` for all if it is not sound."""
    none = [NO_ANSWER] * count
    if status != OK:
        return none
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return none
    if count == 1:
        found = soundness.prediction(answer, variant)
    else:
        found = soundness.batch(answer, count, variant)
    if found is None:
        return none
    return [each.probabilities.index(max(each.probabilities)) for each in found]
