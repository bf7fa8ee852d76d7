"""Callers of a Service: what kube-proxy does for them, and what they see."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable

import httpx

from tests.deploy.kubernetes.kubelet import StandInPod

NEWS_S = 2.0
"""Until every node has heard that a pod is ready no more, or leaves. Less than preStop."""

HANGS_S = 60.0
START_LIMIT_S = 180.0
PAUSE_S = 0.05
"""Between a caller's calls: the pods that start need the machine too."""

NOBODY = "http://127.0.0.1:9"
"""Connections are refused there."""

ITEM = {
    "premise": "The street lights went out.",
    "choice1": "A storm came.",
    "choice2": "It was noon.",
    "question": "cause",
}


class StandInService:
    """Sends new connections to the pods that a node believes to be ready."""

    def __init__(self) -> None:
        self._pods: list[StandInPod] = []
        self._known: list[tuple[float, list[str]]] = [(0.0, [])]
        self._turn = itertools.count()
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> StandInService:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watcher.join()

    def add(self, pod: StandInPod) -> None:
        self._pods.append(pod)

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            ready = [_url(pod) for pod in self._pods if pod.ready and not pod.terminating.is_set()]
            if ready != self._known[-1][1]:
                self._known.append((time.monotonic() + NEWS_S, ready))

    def _believed(self) -> list[str]:
        now = time.monotonic()
        return next(urls for since, urls in reversed(self._known) if since <= now)

    def pick(self) -> str:
        """Return where the next connection goes: to the pods in turns, or to nobody."""
        believed = self._believed() or [NOBODY]
        return believed[next(self._turn) % len(believed)]

    def wait_for(self, pods: int) -> None:
        """Wait until nodes send to so many pods."""
        give_up = time.monotonic() + START_LIMIT_S
        while len(self._believed()) != pods:
            assert time.monotonic() < give_up, self._known
            time.sleep(0.1)


def _url(pod: StandInPod) -> str:
    return f"http://{pod.address}:{pod.spec.http_port}"


class CallersOfService:
    """Callers who ask again and again; half of them keep their connection while it is open."""

    def __init__(self, service: StandInService, key: str, count: int = 6) -> None:
        self.seen: Counter[str] = Counter()
        self._service = service
        self._headers = {"Authorization": f"Bearer {key}"}
        self._ended = threading.Event()
        kinds: list[Callable[[], None]] = [self._once, self._kept]
        self._threads = [threading.Thread(target=kinds[each % 2]) for each in range(count)]

    def __enter__(self) -> CallersOfService:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(HANGS_S)
            assert not thread.is_alive(), "a caller hangs"

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self._service.pick(), headers=self._headers, timeout=HANGS_S)

    def _once(self) -> None:
        while not self._ended.is_set():
            with self._client() as client:
                self._ask(client)

    def _kept(self) -> None:
        while not self._ended.is_set():
            with self._client() as client:
                while not self._ended.is_set() and self._ask(client):
                    pass

    def _ask(self, client: httpx.Client) -> bool:
        """Ask once; return whether the connection stays open."""
        try:
            response = client.post("/predict/xcopa", json=ITEM)
        except httpx.TransportError as error:
            self.seen[repr(error)] += 1
            return False
        self.seen[str(response.status_code)] += 1
        self._ended.wait(PAUSE_S)
        return bool(response.headers.get("connection") != "close")
