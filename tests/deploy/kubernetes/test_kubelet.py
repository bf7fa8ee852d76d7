"""The stand-in does what kubelet does, on a small process that is told how to behave."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.deploy.kubernetes import kubelet
from tests.deploy.kubernetes.kubelet import StandInPod
from tests.deploy.kubernetes.pod_spec import PodSpec, Probe

SERVER = """
import http.server, os, signal, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if os.path.exists(os.environ["FOLDER"] + self.path) else 200)
        self.end_headers()
    def log_message(self, *_): pass
ends = {"obeys": lambda *_: os._exit(0), "ignores": signal.SIG_IGN}
signal.signal(signal.SIGTERM, ends[os.environ["AT_SIGTERM"]])
http.server.HTTPServer((os.environ["XCOPA_HOST"], 8001), Answer).serve_forever()
"""
LIMIT_S = 30.0

Make = Callable[..., StandInPod]


def probe(path: str, failures: int = 2) -> Probe:
    return Probe(path, 8001, period_s=0.05, timeout_s=5, failures=failures)


def spec(grace_s: float = 20) -> PodSpec:
    return PodSpec(
        command=("small",),
        environment={"KEYS": "/etc/keys/file", "OTHER": "/etc/keyserver"},
        startup=probe("/startupz", 400),
        liveness=probe("/livez"),
        readiness=probe("/readyz", 1),
        pre_stop_s=0.2,
        grace_s=grace_s,
        cores=1,
        http_port=8000,
        mounts={"/etc/keys": "keys"},
    )


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setitem(kubelet.PROGRAMS, "small", [sys.executable, "-c", SERVER])
    made: list[StandInPod] = []

    def start(at_sigterm: str = "obeys", **changes: float) -> StandInPod:
        more = {"FOLDER": str(tmp_path), "AT_SIGTERM": at_sigterm}
        made.append(StandInPod(spec(**changes), {"keys": tmp_path / "keys"}, more=more))
        return made[-1]

    yield start
    for pod in made:
        pod.kill()


def until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_a_pod_is_ready_once_it_has_started_and_says_so(make: Make, tmp_path: Path) -> None:
    (tmp_path / "startupz").touch()
    pod = make()
    with pytest.raises(AssertionError):
        _soon(lambda: pod.ready)
    (tmp_path / "startupz").unlink()
    until(lambda: pod.ready)
    (tmp_path / "readyz").touch()
    until(lambda: not pod.ready)
    assert pod.restarts == 0


def _soon(condition: Callable[[], bool]) -> None:
    for _ in range(20):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError


def test_a_pod_that_is_not_alive_is_restarted(make: Make, tmp_path: Path) -> None:
    pod = make()
    until(lambda: pod.ready)
    before = pod.pid
    (tmp_path / "livez").touch()
    until(lambda: pod.restarts >= 1)
    (tmp_path / "livez").unlink()
    until(lambda: pod.ready)
    assert pod.pid != before


def test_what_ignores_sigterm_is_killed_when_the_grace_is_over(make: Make) -> None:
    pod = make(at_sigterm="ignores", grace_s=0.6)
    until(lambda: pod.ready)
    assert pod.delete().killed


def test_what_obeys_ends_by_itself(make: Make) -> None:
    pod = make()
    until(lambda: pod.ready)
    ended = pod.delete()
    assert (ended.status, ended.killed) == (0, False)
    assert pod.restarts == 0


def test_paths_below_a_mount_lead_to_its_folder(make: Make, tmp_path: Path) -> None:
    found = make().environment()
    assert found["KEYS"] == str(tmp_path / "keys/file")
    assert found["OTHER"] == "/etc/keyserver"


def test_each_pod_has_an_address_of_its_own(make: Make) -> None:
    assert make().address != make().address
