"""The health check asks the service of its own environment, whatever else is set there."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.health import HOST, PORT, Address, address, check
from app.settings import Settings
from tests.app.test_environment import SERVICE


class Handler(BaseHTTPRequestHandler):
    """Answers /livez with 200 and /readyz with 503."""

    def do_GET(self) -> None:
        self.send_response({"/livez": 200, "/readyz": 503}.get(self.path, 404))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield str(server.server_port)
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({}, ("127.0.0.1", 8000)),
        (SERVICE, ("127.0.0.1", 8000)),
        ({"XCOPA_PORT": ""}, ("127.0.0.1", 8000)),
        ({"XCOPA_PORT": '"9000"\n'}, ("127.0.0.1", 9000)),
        ({"XCOPA_HOST": "0.0.0.0"}, ("127.0.0.1", 8000)),  # noqa: S104
        ({"XCOPA_HOST": "::"}, ("::1", 8000)),
        ({"XCOPA_HOST": "[::1]"}, ("::1", 8000)),
        ({"XCOPA_HOST": "192.0.2.7"}, ("192.0.2.7", 8000)),
    ],
)
def test_it_asks_where_the_settings_say(environ: dict[str, str], asked: tuple[str, int]) -> None:
    assert address(environ) == Address(*asked)


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({"XCOPA_METRICS_PORT": "9000"}, Address("127.0.0.1", 9000)),
        ({"XCOPA_METRICS_PORT": ""}, Address("127.0.0.1", 8000)),
        ({"XCOPA_METRICS_PORT": "tcp://10.96.0.13:9000"}, Address("127.0.0.1", 8000)),
        (
            {"XCOPA_METRICS_PORT": "9000", "XCOPA_METRICS_HOST": "::", "XCOPA_HOST": "192.0.2.7"},
            Address("::1", 9000),
        ),
        ({"XCOPA_METRICS_PORT": "9000", "XCOPA_HOST": "192.0.2.7"}, Address("192.0.2.7", 9000)),
        ({"XCOPA_SSL_CERTFILE": "x.pem"}, Address("127.0.0.1", 8000, tls=True)),
        (
            {"XCOPA_SSL_CERTFILE": "x", "XCOPA_SSL_CA_CERTS": "y", "XCOPA_METRICS_PORT": "9000"},
            Address("127.0.0.1", 9000),
        ),
    ],
)
def test_it_asks_the_metrics_port_if_there_is_one_and_else_with_tls_if_there_is_a_certificate(
    environ: dict[str, str], asked: Address
) -> None:
    assert address(environ) == asked


def test_it_says_that_it_has_no_certificate_and_where_it_needs_none() -> None:
    wrong = check("/livez", {"XCOPA_SSL_CERTFILE": "x", "XCOPA_SSL_CA_CERTS": "y"})
    assert "XCOPA_SSL_CA_CERTS" in str(wrong)
    assert "XCOPA_METRICS_PORT" in str(wrong)
    assert "XCOPA_METRICS_PORT is 0" in str(check("/livez", {"XCOPA_METRICS_PORT": "0"}))


def test_its_defaults_are_those_of_the_settings() -> None:
    fields = Settings.model_fields
    assert (fields["host"].default, str(fields["port"].default)) == (HOST, PORT)


def test_it_tells_what_is_wrong(port: str) -> None:
    here = {"XCOPA_PORT": port}
    assert check("/livez", here) is None
    assert check("/readyz", here) == "/readyz answers 503"
    assert "eighty" in str(check("/livez", {"XCOPA_PORT": "eighty"}))
    assert "XCOPA_PORT is 0" in str(check("/livez", {"XCOPA_PORT": "0"}))
    assert "Error" in str(check("/livez", {"XCOPA_HOST": "127.0.0.1", "XCOPA_PORT": "1"}))


@pytest.mark.parametrize(("arguments", "status"), [([], 0), (["/readyz"], 1)])
def test_as_a_command_it_exits_with_0_or_says_why_not_in_one_line(
    port: str, arguments: list[str], status: int
) -> None:
    # A proxy, as Docker may pass one to every container, must not be asked.
    environment = {**os.environ, "XCOPA_PORT": port, "http_proxy": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", "app.health", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert done.stderr == ("" if status == 0 else "not healthy: /readyz answers 503\n")


def test_it_loads_nothing_beside_the_standard_library() -> None:
    code = (
        "import app.health, sys; print(sorted({'pydantic', 'typer', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
