"""A cluster of two nodes as a process of its own, the command, and what is done to them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import psutil

from tests.chaos.client import PREDICT, Crowd, Reply, call, item
from tests.chaos.service import wait_until
from tests.conftest import ROOT
from tests.e2e.server import ServerProcess

MARK = "XCOPA_TEST_CLUSTER"
"""A variable that all processes of a cluster inherit, with a value of its own."""

START_LIMIT_S = 240.0
REPLICA_LIMIT_S = 120.0
"""For a replica to start, on a machine that is busy with other work."""


class RayCluster(ServerProcess):
    """``tests.app.scale.two_nodes``; see there."""

    def __init__(self, scale: dict[str, Any], **settings: str) -> None:
        self.mark = uuid.uuid4().hex
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        ours = {"XCOPA_THREADS": "1", "XCOPA_ENGINES": "0", "XCOPA_LOG_FORMAT": "console"}
        wanted = json.dumps({"port": port, "scale": scale})
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.app.scale.two_nodes", wanted],
            cwd=ROOT,
            env={**os.environ, **ours, **settings, MARK: self.mark, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_until_serving(self) -> RayCluster:
        self.wait_for_line("the cluster serves", START_LIMIT_S)
        return self

    def end(self) -> None:
        """Have it take the service away and end, and make sure that nothing is left."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(REPLICA_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for each in self._processes():
            each.kill()
        self._reader.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def call(self, path: str, body: Any = None, **headers: str) -> Reply:
        return call(self.url, path, body, **headers)

    def replicas(self) -> list[psutil.Process]:
        """Return the processes of the replicas, those that start too."""
        return replicas_of(self.mark)

    def wait_for_replicas(self, count: int) -> None:
        wait_until(lambda: len(self.replicas()) == count, f"{count} replicas", REPLICA_LIMIT_S)

    def kill_replica(self) -> None:
        os.kill(self.replicas()[0].pid, signal.SIGKILL)

    def kill_node(self) -> None:
        """Kill all processes of the node that has no proxy, as when its machine is lost."""
        [raylet] = [
            each
            for each in self._processes()
            if "/raylet/raylet " in _title(each)
            if not any("Proxy" in _title(child) for child in each.children())
        ]
        for each in [raylet, *raylet.children(recursive=True)]:
            each.kill()

    def _processes(self) -> list[psutil.Process]:
        return [each for each in marked(self.mark) if each.pid != self.process.pid]


class OnRay(ServerProcess):
    """``xcopa serve --ray``; what it starts ends with it."""

    arguments: tuple[str, ...] = ("serve", "--ray")


class Two(OnRay):
    """The same with two replicas."""

    arguments = (*OnRay.arguments, "--replicas", "2")


def marked(mark: str) -> list[psutil.Process]:
    """Return the processes that have inherited a mark."""
    found = []
    for each in psutil.process_iter():
        try:
            if each.environ().get(MARK) == mark:
                found.append(each)
        except psutil.Error:
            continue
    return found


def replicas_of(mark: str) -> list[psutil.Process]:
    """Return the processes of replicas that have inherited a mark."""
    return [each for each in marked(mark) if _title(each).startswith("ray::ServeReplica")]


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def cluster(scale: dict[str, Any], **settings: str) -> Iterator[RayCluster]:
    """Yield a cluster that serves."""
    made = RayCluster(scale, **settings)
    try:
        yield made.wait_until_serving()
    finally:
        made.end()


class Callers:
    """Callers who ask again and again, each one thing at a time."""

    def __init__(self, url: str, count: int) -> None:
        self.answered = 0
        self.replies: list[Reply] = []
        self._crowd: Crowd[Reply] = Crowd(count, lambda number: self._ask(url, number))

    def _ask(self, url: str, number: int) -> Reply:
        reply = call(url, PREDICT, item(number))
        self.replies.append(reply)
        self.answered += reply.status == HTTPStatus.OK
        return reply

    def wait_for_answers(self, more: int) -> None:
        wanted = self.answered + more
        wait_until(lambda: self.answered >= wanted, f"{more} more answers", REPLICA_LIMIT_S)

    def stop(self) -> list[Reply]:
        """Return all replies; raises if a call hung or its connection broke."""
        return self._crowd.stop()


def during(url: str, callers: int, act: Callable[[], object]) -> list[Reply]:
    """Return the replies of callers before, while and after something is done."""
    crowd = Callers(url, callers)
    try:
        crowd.wait_for_answers(5 * callers)
        act()
        crowd.wait_for_answers(5 * callers)
    finally:
        replies = crowd.stop()
    return replies
