"""A service on a loopback port that answers what LoadGen's samples are asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from loadtests.target import TargetService
from tests.loadtests.bench.tiny_server import tiny_server
from tests.loadtests.examples import prediction

ITEMS = [
    {"premise": f"Premise {n}.", "choice1": "a", "choice2": "b", "question": "cause"}
    for n in range(6)
]


def answer_of(item: Mapping[str, str]) -> dict[str, Any]:
    """Name choice 1 for every second premise."""
    label = int(item["premise"].split()[1][:-1]) % 2
    return prediction(label, ((0.75, 0.25), (0.25, 0.75))[label])


def response(content: object, status: str = "200 OK") -> bytes:
    body = json.dumps(content).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def sound(request: bytes) -> bytes:
    asked = json.loads(request.partition(b"\r\n\r\n")[2])
    if "items" in asked:
        return response({"predictions": [answer_of(item) for item in asked["items"]]})
    return response(answer_of(asked))


MODELS = {"models": [{"name": "direct"}, {"name": "stilts"}]}


@contextmanager
def service(answer: Callable[[bytes], bytes] = sound) -> Iterator[TargetService]:
    def answered(request: bytes) -> bytes:
        return response(MODELS) if request.startswith(b"GET /models ") else answer(request)

    with tiny_server(lambda request: [answered(request)]) as server:
        yield TargetService("127.0.0.1", server.port)
