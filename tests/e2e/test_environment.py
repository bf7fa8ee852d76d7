"""What a cluster, a compose file and a machine put around the process, and what it makes of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.app.test_environment import SERVICE
from tests.e2e.server import ServerProcess


@pytest.fixture
def sources(tiny_direct: Path, tiny_stilts: Path) -> dict[str, str]:
    return {"XCOPA_MODELS__DIRECT": str(tiny_direct), "XCOPA_MODELS__STILTS": str(tiny_stilts)}


@contextmanager
def refused(settings: Mapping[str, str]) -> Iterator[str]:
    """Yield the one line with which a start ends."""
    with ServerProcess(**settings) as server:
        assert server.exit_status() == 1
        lines = [line for line in server.output if "end of output" not in line]
    [line] = lines
    yield line


@pytest.mark.slow
def test_it_starts_beside_a_kubernetes_service_of_its_name(sources: dict[str, str]) -> None:
    # The default port, on an address of this process alone: tests run side by side.
    host = f"127.{os.getpid() % 250 + 1}.{os.getpid() // 250 % 250}.9"
    settings = {**sources, **SERVICE, "XCOPA_HOST": host}
    with ServerProcess(**settings) as server:
        assert "XCOPA_PORT=tcp://10.96.0.12:8000" in server.wait_for_line("ignored").string
        server.wait_until_ready()
        assert server.url == f"http://{host}:8000"
        probe = [sys.executable, "-m", "app.health", "/readyz"]
        environment = {**os.environ, **settings}
        assert subprocess.run(probe, env=environment, check=False).returncode == 0


@pytest.mark.slow
def test_empty_variables_quotes_and_one_that_is_no_setting_do_not_stop_it(
    sources: dict[str, str],
) -> None:
    odd = {"XCOPA_THREADS": "", "XCOPA_LOG_LEVEL": '"info"\n', "XCOPA_TIMEOUT": "3"}
    with ServerProcess(**{**sources, **odd}) as server:
        said = server.wait_for_line("XCOPA_TIMEOUT").string
        assert "XCOPA_REQUEST_TIMEOUT_MS" in said
        server.wait_until_ready()


def test_a_port_that_is_taken_is_one_line_before_any_model_is_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        with refused({"XCOPA_PORT": port, "XCOPA_MODELS__STILTS": "/not/here"}) as line:
            assert "XCOPA_PORT" in line
            assert port in line


def test_a_host_that_is_none_is_one_line() -> None:
    with refused({"XCOPA_HOST": "no-such-host.invalid"}) as line:
        assert "XCOPA_HOST" in line


@pytest.mark.slow
@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this system has no IPv6")
def test_it_answers_on_ipv6_and_says_its_address_as_a_url(sources: dict[str, str]) -> None:
    with ServerProcess(**sources, XCOPA_HOST="::1") as server:
        server.wait_until_ready()
        assert server.url.startswith("http://[::1]:")
        assert httpx.get(f"{server.url}/livez").status_code == 200
