"""The real locust against servers that are not what they should be."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.loadtests.examples import prediction

PREDICT, COMPARE, BATCH = "/predict/xcopa", "/compare/xcopa", "/predict/xcopa/batch"
RANK = "/rank"
ERROR = {"error": {"status": 422, "title": "Invalid request"}}
FAULTS: dict[str, dict[str, bytes]] = {
    "errors in the place of predictions": {
        PREDICT: b"{}",
        COMPARE: b"<html>Bad Gateway</html>",
        BATCH: json.dumps({"predictions": [ERROR] * 8}).encode(),
        RANK: b"[]",
    },
    "fields that are missing": {
        PREDICT: b'{"label": 1}',
        COMPARE: b"null",
        BATCH: b'{"predictions": [' + b",".join([b"{}"] * 8) + b"]}",
        RANK: b'{"order": [0, 1, 2, 3]}',
    },
    "nothing at all": {PREDICT: b"", COMPARE: b"\xff\xfe", BATCH: b"[" * 100_000, RANK: b"-"},
}


class Cycling(dict[str, bytes]):
    """Answers in turns, whatever the path."""

    def __init__(self, answers: Iterator[bytes]) -> None:
        super().__init__()
        self._answers = answers

    def __missing__(self, path: str) -> bytes:
        return next(self._answers)


@contextmanager
def answering(answers: Mapping[str, bytes], ready: int = 200) -> Iterator[str]:
    """Yield the address of a server that answers every call to a path with the same bytes."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(ready, b'{"status": "loading"}')

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._send(200, answers[self.path])

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=no-such")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


FIRST, *OTHERS = FAULTS
SOME_SLOW = [
    pytest.param(FAULTS[FIRST], id=FIRST),
    *(pytest.param(FAULTS[name], id=name, marks=pytest.mark.slow) for name in OTHERS),
]


def locust(url: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "locust", "-f", "loadtests/xcopa.py", "--headless"]
    return subprocess.run(
        [*command, "--host", url, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("answers", SOME_SLOW)
def test_every_unsound_answer_is_a_failed_request_and_the_run_exits_with_1(
    answers: dict[str, bytes], tmp_path: Path
) -> None:
    with answering(answers) as url:
        options = ("-u", "11", "-r", "11", "-t", "3s", "--json", "--csv", str(tmp_path / "run"))
        done = locust(url, *options)
    assert done.returncode == 1, done.stdout + done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    assert {row["name"] for row in rows} == {PREDICT, COMPARE, BATCH, RANK}
    assert all(row["num_failures"] == row["num_requests"] > 0 for row in rows)
    exceptions = (tmp_path / "run_exceptions.csv").read_text(encoding="utf-8").splitlines()
    assert len(exceptions) == 1, "the head alone"


@pytest.mark.slow
def test_an_answer_that_changes_is_a_failed_request(tmp_path: Path) -> None:
    """Two logits for every question: whichever item is asked a second time contradicts one."""
    answers = itertools.cycle(
        json.dumps(prediction(logits=logits)).encode() for logits in ((0.0, 1.0), (5.0, 6.0))
    )
    with answering(Cycling(answers)) as url:
        options = ("--variants", "stilts", "--tags", "single", "--report", str(tmp_path))
        done = locust(url, "-u", "1", "-t", "2s", "--languages", "en", *options)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "another answer than before from stilts r1" in done.stdout + done.stderr
    assert "FAIL: " in done.stderr
    found = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert list(found["routes"]) == [PREDICT]
    assert found["routes"][PREDICT]["count"] > 0
    assert "<svg" in (tmp_path / "report.html").read_text("utf-8")


def test_an_option_that_cannot_be_read_ends_with_one_line() -> None:
    done = locust("http://127.0.0.1:1", "--lengths", "1:x")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "__main__.py: error: argument --lengths: --lengths 1:x: '1:x': "
        "could not convert string to float: 'x'"
    ]


def test_tags_that_no_task_has_end_with_one_line_that_names_those_that_there_are() -> None:
    with answering({}) as url:
        done = locust(url, "-t", "60s", "--tags", "bulk")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "no user has a task with these tags; there are batch, compare, rank, single"
    )


def test_without_a_service_it_ends_with_one_line_and_no_failures() -> None:
    with answering({}) as url:
        pass  # what listened there has gone
    done = locust(url, "-t", "60s")
    assert done.returncode == 1
    [line] = [line for line in done.stderr.splitlines() if "Starting Locust" not in line]
    assert line.startswith(f"no service answers at {url}")
    assert "make run" in line
    assert done.stdout == ""
