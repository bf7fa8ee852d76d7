"""HTTPS by the service itself, with certificates that are made here."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.certificates import OTHER_NAME, PASSWORD, Authority, encrypt
from tests.e2e.raw import HANG_S, ITEM, PREDICT, RawConnection, post
from tests.e2e.server import ServerProcess

MOST_CONNECTIONS = 40
RECEIVE_S = 2.0
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
"""The first bytes of a handshake."""


@pytest.fixture(scope="module")
def models(tiny_direct: Path, tiny_stilts: Path) -> dict[str, str]:
    return {"XCOPA_MODELS__DIRECT": str(tiny_direct), "XCOPA_MODELS__STILTS": str(tiny_stilts)}


@pytest.fixture(scope="module")
def server(models: dict[str, str], authority: Authority) -> Iterator[ServerProcess]:
    files = authority.issue("service", "127.0.0.1")
    encrypt(files.key)
    settings = {
        **models,
        **files.settings,
        "XCOPA_SSL_KEYFILE_PASSWORD": PASSWORD,
        "XCOPA_MAX_CONNECTIONS": str(MOST_CONNECTIONS),
        "XCOPA_RECEIVE_TIMEOUT_S": str(RECEIVE_S),
        "XCOPA_LOG_LEVEL": "debug",
    }
    with ServerProcess(**settings) as made:
        yield made.wait_until_ready()


@pytest.fixture
def client(server: ServerProcess, authority: Authority) -> Iterator[httpx.Client]:
    context = authority.client_context()
    with httpx.Client(base_url=server.url, verify=context, timeout=HANG_S) as made:
        yield made


def connect(url: str) -> socket.socket:
    """Connect without TLS."""
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), HANG_S)


def failed_handshakes(client: httpx.Client) -> float:
    lines = client.get("/metrics").text.splitlines()
    [line] = [each for each in lines if each.startswith("xcopa_tls_handshakes_failed_total ")]
    return float(line.split()[1])


def test_a_prediction_comes_over_a_connection_that_is_kept(client: httpx.Client) -> None:
    for _ in range(3):
        response = client.post("/predict/xcopa", json=ITEM)
        assert response.status_code == 200
    pool = client._transport._pool  # type: ignore[attr-defined]
    assert len(pool.connections) == 1


def test_no_header_binds_the_host_to_https(client: httpx.Client) -> None:
    assert "strict-transport-security" not in client.get("/livez").headers


def test_the_password_of_the_key_is_never_said(server: ServerProcess, client: httpx.Client) -> None:
    client.get("/livez")
    assert PASSWORD not in "\n".join(server.output)


def test_a_body_over_the_limit_is_told_so_although_it_is_still_sent(client: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    response = client.post("/predict/xcopa", content=b" " * 20_000_000, headers=headers)
    assert response.status_code == 413


def test_requests_that_are_pipelined_are_answered_in_order(server: ServerProcess) -> None:
    with RawConnection(server.url) as connection:
        connection.send(post() * 5)
        assert [connection.answer().status for _ in range(5)] == [200] * 5


@pytest.mark.parametrize("sent", [b"", HELLO, b"\x16"], ids=["nothing", "half a hello", "a byte"])
def test_a_handshake_that_stops_halfway_is_ended(
    server: ServerProcess, client: httpx.Client, sent: bytes
) -> None:
    before = failed_handshakes(client)
    with connect(server.url) as slow:
        slow.sendall(sent)
        began = time.monotonic()
        assert slow.recv(100) == b""
        assert time.monotonic() - began > RECEIVE_S / 2
    assert failed_handshakes(client) >= before + 1


def test_plain_http_is_ended_at_once_and_counted(
    server: ServerProcess, client: httpx.Client
) -> None:
    before = failed_handshakes(client)
    with connect(server.url) as plain:
        plain.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP" not in plain.recv(100)
    assert failed_handshakes(client) == before + 1


def test_handshakes_that_stop_halfway_keep_nobody_out(
    server: ServerProcess, authority: Authority
) -> None:
    context = authority.client_context()
    with ExitStack() as stack:
        for number in range(6 * MOST_CONNECTIONS):
            slow = stack.enter_context(connect(server.url))
            slow.sendall(HELLO if number % 2 else b"")
            if number % 20 == 0:
                began = time.monotonic()
                assert httpx.get(f"{server.url}/livez", verify=context).status_code == 200
                assert time.monotonic() - began < 1
        files = list(Path(f"/proc/{server.process.pid}/fd").iterdir())
        assert len(files) < MOST_CONNECTIONS + 128


@pytest.mark.slow
def test_sigterm_does_not_wait_for_clients_that_say_no_goodbye(
    models: dict[str, str], authority: Authority
) -> None:
    files = authority.issue("ending", "127.0.0.1")
    with ServerProcess(**models, **files.settings) as server, ExitStack() as stack:
        url = server.wait_until_ready().url
        idle = stack.enter_context(RawConnection(url))
        assert idle.send(post()).answer().status == 200
        halfway = stack.enter_context(RawConnection(url)).send(post()[:-1])
        for opening in (b"", HELLO):
            stack.enter_context(connect(url)).sendall(opening)
        lingering = stack.enter_context(RawConnection(url))
        assert lingering.send(PREDICT + b"Content-Length: 9000000\r\n\r\n").answer().status == 413
        began = time.monotonic()
        server.terminate()
        assert halfway.answer().status == 503
        assert server.exit_status() == 0
        assert time.monotonic() - began < 20
        assert "Traceback" not in "\n".join(server.output)


@pytest.mark.slow
def test_a_renewed_certificate_is_served_without_a_restart_and_a_broken_one_is_not(
    models: dict[str, str], authority: Authority
) -> None:
    files = authority.issue("renewed", "127.0.0.1")
    with ServerProcess(**models, **files.settings) as server:
        url = server.wait_until_ready().url
        kept = RawConnection(url)
        first = served_certificate(url)
        files.certificate.write_text("not yet whole", encoding="utf-8")
        assert served_certificate(url) == first
        server.wait_for_line("the one before stays in use: XCOPA_SSL_CERTFILE")
        authority.issue("renewed", "127.0.0.1")
        assert served_certificate(url) != first
        server.wait_for_line("new connections are given the new one")
        with kept:
            assert kept.send(post()).answer().status == 200


def served_certificate(url: str) -> bytes:
    with RawConnection(url) as connection:
        certificate = connection.socket.getpeercert(True)  # type: ignore[attr-defined]
        assert isinstance(certificate, bytes)
        return certificate


@pytest.mark.slow
def test_callers_must_present_a_certificate_of_the_authorities_that_are_named(
    models: dict[str, str], authority: Authority, tmp_path: Path
) -> None:
    files = authority.issue("mutual", "127.0.0.1")
    known = authority.issue("caller", "caller.example.org")
    stranger = Authority(tmp_path).issue("stranger", "caller.example.org")
    settings = {**models, **files.settings, "XCOPA_SSL_CA_CERTS": str(authority.file)}
    with ServerProcess(**settings, XCOPA_METRICS_PORT="0") as server:
        metrics = server.wait_for_line(r"probes and metrics: (http://\S+)").group(1)
        url = f"{server.wait_until_ready().url}/livez"
        for unwelcome in (None, stranger):
            with pytest.raises(httpx.TransportError):
                httpx.get(url, verify=authority.client_context(unwelcome))
        assert httpx.get(url, verify=authority.client_context(known)).status_code == 200
        # The metrics port asks nobody for a certificate: kubelet has none.
        assert httpx.get(f"{metrics}/readyz").status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_the_health_check_asks_a_service_whose_certificate_is_for_another_name(
    models: dict[str, str], authority: Authority, path: str
) -> None:
    files = authority.issue("other-name", OTHER_NAME)
    with ServerProcess(**models, **files.settings) as server:
        port = str(urlsplit(server.wait_until_ready().url).port)
        environment = {**os.environ, **files.settings, "XCOPA_PORT": port}
        command = [sys.executable, "-m", "app.health", path]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def predict_against(url: str, file: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "xcopa.main", "predict", str(file), "--against", url]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SSL_CERT")} | environ
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_predict_against_https_trusts_the_authority_that_ssl_cert_file_names(
    server: ServerProcess, authority: Authority, tmp_path: Path
) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(ITEM) + "\n", encoding="utf-8")
    done = predict_against(server.url, file, SSL_CERT_FILE=str(authority.file))
    assert done.returncode == 0, done.stderr
    untrusted = predict_against(server.url, file, REQUESTS_CA_BUNDLE=str(authority.file))
    missing = predict_against(server.url, file, SSL_CERT_FILE=str(tmp_path / "none.pem"))
    for refused in (untrusted, missing):
        assert refused.returncode == 1
        assert "SSL_CERT_FILE" in refused.stderr
        assert "Traceback" not in refused.stderr
