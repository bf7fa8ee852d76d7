"""locust against a real service with tiny models: alone, in several processes, in each shape."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.keys.keys_file import add_key
from loadtests.scenarios.__main__ import scenarios
from tests.conftest import ROOT
from tests.e2e.server import ServerProcess

pytestmark = pytest.mark.slow

ROUTES = {"/predict/xcopa", "/predict/xcopa/batch", "/compare/xcopa", "/rank"}
ALL_USERS = ("-u", "11", "-r", "11", "-t", "5s")


@pytest.fixture(scope="module")
def url(tiny_direct: Path, tiny_stilts: Path) -> Iterator[str]:
    settings = {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
    }
    with ServerProcess(**settings) as server:
        yield server.wait_until_ready().url


def started(file: str, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "locust", "-f", file, "--headless", "--json", *options]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """Return locust's own rows of a run without a failure."""
    out, errors = process.communicate()
    assert process.returncode == 0, out + errors
    assert "PASS: " in errors
    rows = printed(out)
    assert all(row["num_failures"] == 0 < row["num_requests"] for row in rows)
    return rows


def printed(out: str) -> list[dict[str, Any]]:
    """Return all rows that locust printed.

    Each of ``--processes`` prints a list of its own, empty but for the first one's, and nothing
    keeps the lists apart: two may stand on one line, with both ends of line behind them.
    """
    rows: list[dict[str, Any]] = []
    while out := out.lstrip():
        found, end = json.JSONDecoder().raw_decode(out)
        rows += found
        out = out[end:]
    return rows


def test_lists_that_processes_print_at_once_are_read() -> None:
    assert printed('[][]\n\n[\n  {"name": "/rank"}\n]\n') == [{"name": "/rank"}]


def assert_agrees(folder: Path, rows: list[dict[str, Any]]) -> None:
    """The report has every request that locust has, on every route."""
    found = json.loads((folder / "report.json").read_text("utf-8"))
    counts = {route: own["count"] for route, own in found["routes"].items()}
    assert counts == {row["name"]: row["num_requests"] for row in rows}
    assert set(counts) == ROUTES
    assert any(moment["batch_rows"] for moment in found["timeline"])


def test_every_user_is_answered_soundly(url: str, tmp_path: Path) -> None:
    mix = ("--languages", "et,ta", "--lengths", "1:3,4:1", "--batch-sizes", "2,9")
    process = started(
        "loadtests/xcopa.py", "--host", url, *ALL_USERS, *mix, "--report", str(tmp_path)
    )
    assert_agrees(tmp_path, ended(process))


def test_a_master_and_two_workers_share_a_run(url: str, tmp_path: Path) -> None:
    port = free_port()
    master = started(
        *("loadtests/xcopa.py", "--host", url, *ALL_USERS, "--report", str(tmp_path)),
        *("--master", "--expect-workers", "2", "--master-bind-port", port, "--variants", "direct"),
    )
    joining = ("loadtests/xcopa.py", "--worker", "--master-port", port)
    workers = [started(*joining) for _ in range(2)]
    rows = ended(master)
    for worker in workers:
        _, errors = worker.communicate()
        assert worker.returncode == 0, errors
        assert "PASS" not in errors
    assert_agrees(tmp_path, rows)


def test_processes_share_a_run(url: str, tmp_path: Path) -> None:
    options = ("--host", url, *ALL_USERS, "--processes", "2", "--report", str(tmp_path))
    assert_agrees(tmp_path, ended(started("loadtests/xcopa.py", *options)))


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def test_the_page_has_the_options_and_writes_the_report(url: str, tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "locust", "-f", "loadtests/xcopa.py", "--web-port", port]
    options = ("--web-host", "127.0.0.1", "--report", str(tmp_path))
    page = httpx.Client(base_url=f"http://127.0.0.1:{port}")
    with page, subprocess.Popen([*command, *options], cwd=ROOT, stderr=subprocess.DEVNULL) as run:
        try:
            wait_for(lambda: page.get("/").status_code == 200)
            shown = page.get("/").text
            names = ("languages", "lengths", "variants", "batch_sizes", "choices", "pause")
            assert [name for name in names if name not in shown] == []
            mix = {"languages": "et", "lengths": "2", "variants": "direct"}
            asked = {"user_count": "2", "spawn_rate": "2", "host": url, **mix}
            assert page.post("/swarm", data=asked).json()["success"] is True
            wait_for(lambda: page.get("/stats/requests").json()["total_rps"] > 0)
            page.post("/stop")
            wait_for((tmp_path / "report.html").exists)
        finally:
            run.terminate()
    found = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert found["verdict"].startswith("PASS: ")


def answer_of(module: str, *options: str) -> tuple[int, str, str]:
    """Return the exit status and the output of a command, and what it said meanwhile."""
    command = [sys.executable, "-m", module, "--variants", "stilts", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_capacity_comes_to_an_answer(url: str, tmp_path: Path) -> None:
    """On a busy machine the answer is that it was too noisy; no number is judged."""
    routes = ("rank",)
    briefly = ("--precision", "1", "--most-s", "2", "--repeats", "1", "--most-trials", "3")
    options = ("--against", url, "--routes", ",".join(routes), *briefly, "--out", str(tmp_path))
    status, said, progress = answer_of("loadtests.capacity", *options)
    assert status in (0, 3), said + progress
    cases = json.loads((tmp_path / "report.json").read_text("utf-8"))["cases"]
    assert [case["route"] for case in cases] == list(routes)
    for case in cases:
        assert case["trials"]
        assert case["verdict"] in said
        assert any(at["batch_rows"] for trial in case["trials"] for at in trial["timeline"])


def test_loadgen_runs_each_scenario(url: str, tmp_path: Path) -> None:
    """On a busy machine no rate may be valid: then none is said, and why."""
    briefly = ("--seconds", "1", "--most-s", "10", "--precision", "1", "--p99-ms", "2000")
    options = ("--against", url, *briefly, "--out", str(tmp_path))
    status, said, errors = answer_of("loadtests.mlperf", *options)
    figures = json.loads((tmp_path / "report.json").read_text("utf-8"))["figures"]
    units = {each["scenario"]: each["unit"] for each in figures}
    assert units == {
        "SingleStream": "ms",
        "MultiStream": "ms",
        "Server": "queries/s",
        "Offline": "items/s",
    }
    [server] = [each for each in figures if each["scenario"] == "Server"]
    assert all(each["is_valid"] for each in figures if each is not server), said
    assert status == (0 if server["is_valid"] else 1), said + errors
    if server["is_valid"]:
        assert f"{server['value']:.4g} queries/s: valid" in errors
    else:
        assert server["value"] is None
        assert server["why_not"] in said
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "Server stilts: latency against offered load" in page
    assert "Distributions of queries" in page


@pytest.fixture
def keyed_url(tiny_direct: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A service that needs an API key, which is in the environment."""
    keys = tmp_path / "keys"
    monkeypatch.setenv("XCOPA_API_KEY", add_key(keys, "load"))
    settings = {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": "none",
        "XCOPA_DEFAULT_MODEL": "direct",
    }
    with ServerProcess(**settings, XCOPA_API_KEYS_FILE=str(keys)) as server:
        yield server.wait_until_ready().url


def test_a_service_with_api_keys_could_not_be_measured(keyed_url: str) -> None:
    options = ("--against", keyed_url, "--variants", "direct")
    briefly = ("--precision", "1", "--most-s", "2", "--repeats", "1", "--most-trials", "3")
    for module, more in (
        ("loadtests.capacity", briefly),
        ("loadtests.mlperf", ("SingleStream", "--seconds", "1")),
    ):
        command = [sys.executable, "-m", module, *options, *more]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 3), done.stdout + done.stderr


def test_a_list_that_is_too_long_for_the_service_was_refused_without_a_reason(url: str) -> None:
    options = ("--against", url, "--routes", "batch", "--batch-sizes", "512")
    status, _, errors = answer_of("loadtests.capacity", *options)
    assert status == 2
    assert "requests had no sound answer: " in errors
    assert "x status 4" in errors
    assert "256" in errors


def wait_for(happened: Callable[[], object]) -> None:
    """Wait until something holds; a server that is not there yet is waited for, too."""
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        with contextlib.suppress(httpx.TransportError):
            if happened():
                return
        time.sleep(0.1)
    raise AssertionError("it has not happened in a minute")


@pytest.mark.parametrize("name", [name for name, _, _ in scenarios()])
def test_a_scenario_answers_its_question(name: str, url: str, tmp_path: Path) -> None:
    """Whichever answer a busy machine gives: it is said, reported, and the exit status."""
    options = ("--host", url, "-u", "12", "-t", "20s", "--report", str(tmp_path))
    process = started(f"loadtests/scenarios/{name}.py", *options)
    _, errors = process.communicate()
    found = json.loads((tmp_path / "report.json").read_text("utf-8"))
    statuses = {each["status"] for each in found["answers"]}
    assert len(found["answers"]) == {"steady": 0, "soak": 2}.get(name, 1)
    for each in found["answers"]:
        assert f"{each['status']}: {each['said']}" in errors
    expected = 1 if "FAIL" in statuses else 3 if "NO ANSWER" in statuses else 0
    assert process.returncode == expected, errors
    assert errors.count("PASS: ") >= 1, errors
    assert not any("/metrics could not be read" in each["said"] for each in found["answers"])
    assert max(moment["offered"] for moment in found["timeline"]) > 1
