"""The log of the real service: a line a request, whatever becomes of it, and none is forged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.raw import ITEM, RawConnection
from tests.e2e.server import START_LIMIT_S, ServerProcess

WAIT_S = 60
PREDICT = "/predict/xcopa"
SENT = "a text of the caller"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


class LoggingServer(ServerProcess):
    """A server whose log is JSON."""

    def line(self, **wanted: Any) -> dict[str, Any]:
        """Wait for a line with these fields."""

        def found() -> dict[str, Any] | None:
            return next((each for each in self.lines if wanted.items() <= each.items()), None)

        with self._changed:
            self._changed.wait_for(lambda: found() is not None, timeout=WAIT_S)
            line = found()
        assert line is not None, f"no line has {wanted} in:\n" + "\n".join(self.output)
        return line

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Every line, of which but the one for people must be JSON."""
        said = [each for each in self.output if not each.startswith("xcopa is ready")]
        return [json.loads(each) for each in said if each != "<end of output>"]


@pytest.fixture(scope="module")
def sources(tiny_direct: Path, tiny_stilts: Path) -> dict[str, str]:
    return {"XCOPA_MODELS__DIRECT": str(tiny_direct), "XCOPA_MODELS__STILTS": str(tiny_stilts)}


@pytest.fixture(scope="module")
def server(sources: dict[str, str]) -> Iterator[LoggingServer]:
    with LoggingServer(**sources, XCOPA_LOG_FORMAT="auto") as made:
        made.wait_until_ready()
        yield made


def ask(server: ServerProcess, body: object = ITEM, **headers: str) -> httpx.Response:
    return httpx.post(f"{server.url}{PREDICT}", json=body, headers=headers, timeout=60)


def test_a_prediction_leaves_one_line_with_its_ids_and_where_its_time_went(
    server: LoggingServer,
) -> None:
    traceparent = f"00-{TRACE_ID}-b7ad6b7169203331-01"
    response = ask(server, **{"X-Request-ID": "one", "traceparent": traceparent})
    line = server.line(request_id="one")
    assert line["logger"] == "app.requests"
    assert (line["method"], line["route"], line["status"]) == ("POST", PREDICT, 200)
    assert (line["model"], line["items"], line["trace_id"]) == ("stilts", 1, TRACE_ID)
    assert line["bytes"] == len(response.content)
    stages = ("admission_ms", "tokenise_ms", "queue_ms", "inference_ms")
    assert sum(line[stage] for stage in stages) <= line["duration_ms"]
    assert len([each for each in server.lines if each.get("request_id") == "one"]) == 1


@pytest.mark.parametrize(
    ("name", "body", "headers", "status", "problem"),
    [
        ("malformed", {**ITEM, "question": SENT, SENT: 1}, {}, 422, "invalid-request"),
        ("late", ITEM, {"X-Request-Timeout-Ms": "0.001"}, 504, "deadline-exceeded"),
        ("wrong-type", ITEM, {"Content-Type": "text/plain"}, 415, "unsupported-media-type"),
    ],
)
def test_what_is_not_answered_leaves_its_line_with_the_reason(
    name: str,
    body: object,
    headers: dict[str, str],
    status: int,
    problem: str,
    server: LoggingServer,
) -> None:
    response = ask(server, body, **{"X-Request-ID": name, **headers})
    assert response.status_code == status
    assert "total;dur=" in response.headers["server-timing"]
    line = server.line(request_id=name)
    assert (line["status"], line["problem"], line["route"]) == (status, problem, PREDICT)


def test_what_is_no_http_leaves_its_line(server: LoggingServer) -> None:
    with RawConnection(server.url) as client:
        client.send(b"\x16\x03\x01 a text of the caller\r\n\r\n")
        answer = client.answer()
    assert answer.headers["server-timing"].startswith("total;dur=")
    line = server.line(route="unparsed")
    assert (line["status"], line["problem"]) == (400, "bad-request")
    assert line["request_id"] == answer.headers["x-request-id"]


def test_no_caller_can_write_a_line(server: LoggingServer) -> None:
    forged = '%0a{"level":"error","event":"forged"}%0d%1b[2K' + "x" * 1_000
    httpx.get(f"{server.url}/{forged}", headers={"X-Request-ID": '"},{"event":"forged"'})
    line = server.line(route="unmatched")
    assert len(line["path"]) == 200
    assert line["request_id"] == '"},{"event":"forged"'
    assert not [each for each in server.lines if each["event"] == "forged"]


def test_a_caller_who_leaves_has_a_line(server: LoggingServer) -> None:
    items = {"items": [ITEM] * 256}
    with RawConnection(server.url) as client:
        body = json.dumps(items).encode()
        head = f"POST {PREDICT}/batch HTTP/1.1\r\nHost: x\r\nX-Request-ID: gone\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        client.send(head.encode() + body)
    line = server.line(request_id="gone")
    assert line["status"] in (200, 499), "it may have been answered before"


def test_no_line_quotes_what_was_sent_nor_names_a_probe(server: LoggingServer) -> None:
    for path in ("/livez", "/readyz", "/metrics", "/v2/health/live"):
        assert httpx.get(f"{server.url}{path}").status_code == 200
    ask(server, **{"X-Request-ID": "last"})
    server.line(request_id="last")
    said = "\n".join(server.output)
    for text in (SENT, *ITEM.values()):
        if text not in ("cause", "effect"):
            assert text not in said
    assert not {"/livez", "/metrics"} & {each.get("route") for each in server.lines}


@pytest.mark.slow
def test_texts_are_logged_where_the_operator_asks_for_them(sources: dict[str, str]) -> None:
    settings = {**sources, "XCOPA_LOG_FORMAT": "json", "XCOPA_LOG_TEXTS": "true"}
    with LoggingServer(**settings) as server:
        server.wait_until_ready()
        ask(server, **{"X-Request-ID": "shown"})
        [texts] = server.line(request_id="shown")["texts"]
        assert texts == [ITEM["premise"], ITEM["choice1"], ITEM["choice2"]]


# Who does not read -----------------------------------------------------------------------------


class UnreadServer:
    """A server whose standard error is a pipe that nobody reads."""

    def __init__(self, sources: dict[str, str]) -> None:
        self.reader, writing = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "xcopa.main", "serve"],
            env={**os.environ, "XCOPA_PORT": "0", "XCOPA_THREADS": "1", **sources},
            stdout=subprocess.PIPE,
            stderr=writing,
            text=True,
        )
        os.close(writing)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[3]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(START_LIMIT_S)


@pytest.fixture
def unread(sources: dict[str, str]) -> Iterator[UnreadServer]:
    made = UnreadServer(sources)
    yield made
    made.process.kill()
    made.process.wait()
    assert made.process.stdout is not None
    made.process.stdout.close()


@pytest.mark.slow
def test_a_log_that_nobody_reads_holds_up_neither_answers_nor_the_exit(
    unread: UnreadServer,
) -> None:
    """A pipe takes 64 KiB; the next write would wait for ever."""
    with httpx.Client(base_url=unread.url, timeout=30) as client:
        for number in range(400):
            assert client.get(f"/nothing/{'x' * 200}{number}").status_code == 404
        assert client.post(PREDICT, json=ITEM).status_code == 200
    assert unread.stop() == 0
    os.close(unread.reader)


@pytest.mark.slow
def test_lines_for_a_reader_who_has_gone_are_counted(unread: UnreadServer) -> None:
    os.close(unread.reader)
    with httpx.Client(base_url=unread.url, timeout=30) as client:
        give_up = time.monotonic() + WAIT_S
        while "xcopa_log_lines_dropped_total 0.0" in client.get("/metrics").text:
            assert time.monotonic() < give_up
            client.get("/nothing")
        assert client.post(PREDICT, json=ITEM).status_code == 200
    assert unread.stop() == 0
