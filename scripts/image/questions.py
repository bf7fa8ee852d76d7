"""Asking the service in a container, from inside of it or from this machine."""

from __future__ import annotations

import http.client
import json
import re
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from scripts.image.commands import ImageTestError
from scripts.image.container import Container

ASK_LIMIT_S = 60
POLL_S = 0.01
LONG_CALL = 128
"""Items: a second of work or more, and less than the time limit of a call."""
EXAMPLE = {
    "premise": "The man forgot his umbrella.",
    "choice1": "He got wet in the rain.",
    "choice2": "He sang a song.",
    "question": "effect",
}
"""The README's question; its answer is choice 1."""

_ASK_INSIDE = """
import http.client, json, sys
port, path, body = sys.argv[1:]
connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
headers = {"Content-Type": "application/json"}
connection.request("POST" if body else "GET", path, body or None, headers)
response = connection.getresponse()
print(json.dumps({"status": response.status, "body": response.read().decode()}))
"""


@dataclass(frozen=True)
class Reply:
    """What the service answered over HTTP."""

    status: int
    body: str

    @property
    def content(self) -> dict[str, Any]:
        """The body, which is JSON."""
        content: dict[str, Any] = json.loads(self.body)
        return content


def ask_inside(container: Container, path: str, body: object = None, port: int = 8000) -> Reply:
    """Ask from inside the container's network, with the image's own Python."""
    text = "" if body is None else json.dumps(body)
    asked = container.execute(["python", "-I", "-c", _ASK_INSIDE, str(port), path, text])
    if asked.returncode != 0:
        raise ImageTestError(f"{path} was not answered:\n{asked.stderr}")
    return Reply(**json.loads(asked.stdout))


def ask(host: str, port: int, path: str, body: object = None) -> Reply:
    """Ask from this machine.

    Raises:
        ImageTestError: nobody answers.
    """
    connection = http.client.HTTPConnection(host, port, timeout=ASK_LIMIT_S)
    try:
        text = None if body is None else json.dumps(body)
        method = "GET" if body is None else "POST"
        connection.request(method, path, text, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return Reply(response.status, response.read().decode())
    except OSError as error:
        raise ImageTestError(f"{host}:{port}{path} was not answered: {error}") from error
    finally:
        connection.close()


def stopped_while_busy(container: Container, host: str, port: int, signal: str) -> Reply:
    """Send a long call, signal the service while its items wait, and return the answer."""
    batch = {"items": [EXAMPLE] * LONG_CALL}
    with ThreadPoolExecutor() as pool:
        call = pool.submit(ask, host, port, "/predict/xcopa/batch", batch)
        wait_until_busy(host, port, call)
        container.signal(signal)
        return call.result()


def wait_until_busy(host: str, port: int, call: Future[Reply]) -> None:
    """Wait until items wait in the service's queue.

    Raises:
        ImageTestError: the call ended before that.
    """
    while not call.done():
        if waiting_items(ask(host, port, "/metrics").body) > 0:
            return
        time.sleep(POLL_S)
    reply = call.result()
    raise ImageTestError(f"the call ended too early: {reply.status} {reply.body[:200]}")


def waiting_items(metrics: str) -> float:
    """Return the items in the queues of both models, from the text of ``/metrics``."""
    return sum(map(float, re.findall(r"(?m)^xcopa_queue_items\{.*\} (\S+)$", metrics)))
