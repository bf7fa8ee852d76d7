"""scripts/audit.py with a stand-in for OSV: what is found fails, and only silence is a skip."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from scripts.audit import ACCEPTED, LOCKED

LOOPBACK = "127.0.0.1"
ADVISORY = "PYSEC-2099-1"


def advisory(name: str) -> dict[str, Any]:
    """An advisory in OSV's schema, as its query returns it."""
    package = {"name": name, "ecosystem": "PyPI"}
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.9"}]}]
    affected = [{"package": package, "ranges": ranges}]
    found = {"id": ADVISORY, "summary": "it runs code", "affected": affected}
    return {"vulns": [found]}


class Osv(ThreadingHTTPServer):
    """Knows of vulnerable packages, or is broken."""

    def __init__(self, known: Mapping[str, Any], status: int) -> None:
        super().__init__((LOOPBACK, 0), Query)
        self.known, self.status = known, status
        self.asked: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_port}/v1/query"


class Query(BaseHTTPRequestHandler):
    """Answers one query as OSV does: with nothing, or with advisories."""

    server: Osv

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = query.get("package", {}).get("name", "")
        self.server.asked.add(name)
        body = json.dumps(self.server.known.get(name, {})).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def osv(known: Mapping[str, Any] | None = None, status: int = 200) -> Iterator[Osv]:
    with Osv(known or {}, status) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def audit(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "no_proxy": LOOPBACK}
    command = [sys.executable, "-m", "scripts.audit", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def locked(tmp_path: Path) -> str:
    path = tmp_path / "constraints.txt"
    path.write_text("harmless==1.0\nleaky==2.0\n", encoding="utf-8")
    return str(path)


def test_every_locked_package_of_this_python_is_looked_up() -> None:
    lines = map(Requirement, LOCKED.read_text(encoding="utf-8").splitlines())
    wanted = {line.name for line in lines if line.marker is None or line.marker.evaluate()}
    with osv() as service:
        done = audit("--url", service.url)
    assert done.returncode == 0, done.stderr
    assert wanted - service.asked == set()


def test_a_vulnerability_that_is_found_fails_and_is_named(locked: str) -> None:
    with osv({"leaky": advisory("leaky")}) as service:
        done = audit("--url", service.url, "--requirements", locked)
    assert done.returncode == 1
    assert ADVISORY in done.stdout
    assert "leaky" in done.stdout
    assert "skipped" not in done.stdout


def test_one_that_was_accepted_does_not(locked: str) -> None:
    with osv({"leaky": advisory("leaky")}) as service:
        done = audit("--url", service.url, "--requirements", locked, "--accept", ADVISORY)
    assert done.returncode == 0


def test_where_the_service_cannot_be_reached_one_line_says_that_it_was_skipped(
    locked: str,
) -> None:
    with osv() as service:
        url = service.url
    done = audit("--url", url, "--requirements", locked)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"audit skipped: {url} cannot be reached (ConnectionError)\n"


@pytest.mark.parametrize("status", [403, 500])
def test_a_service_that_answers_and_does_not_help_is_no_skip(locked: str, status: int) -> None:
    with osv(status=status) as service:
        done = audit("--url", service.url, "--requirements", locked)
    assert done.returncode != 0
    assert "skipped" not in done.stdout


def test_an_accepted_advisory_has_its_reason() -> None:
    assert [each for each, why in ACCEPTED.items() if len(why) < 20] == []
