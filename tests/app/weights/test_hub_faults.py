"""A hub, a disk or a variable that fails is one line: what, which source, and what to do."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import constants

from app.errors import StartError
from app.weights import hub
from tests.app.weights.hub_stand_in import REPOSITORY, StandInHub, running

RESOLVE = """
import sys
from app.errors import StartError
from app.weights.hub_environment import prepare
try:
    prepare()
    from app.weights.hub import resolve
    print(resolve(sys.argv[1]))
except StartError as error:
    sys.exit(str(error))
"""


def refusal(source: str = REPOSITORY) -> str:
    with pytest.raises(StartError) as stopped:
        hub.resolve(source)
    message = str(stopped.value)
    assert "\n" not in message
    return message


LATER = "the fault is the hub's, or a proxy's: try again later"


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (400, LATER),
        (401, "HF_TOKEN is wrong, or has expired"),
        (403, "HF_TOKEN may not read this model"),
        (404, "it has no such model, or is no hub"),
        (418, LATER),
        (429, "too many requests: try again in some minutes, or set HF_TOKEN"),
        (500, LATER),
        (503, LATER),
    ],
)
def test_a_hub_that_refuses_is_one_clear_line(
    stand_in: type[StandInHub], status: int, hint: str
) -> None:
    stand_in.refuse = status
    assert refusal() == (
        f"cannot fetch '{REPOSITORY}': {constants.ENDPOINT} answers {status}; {hint}"
    )


def test_a_connection_that_is_reset_is_one_clear_line(stand_in: type[StandInHub]) -> None:
    stand_in.fault = "reset"
    said = refusal()
    assert said.startswith(f"cannot fetch '{REPOSITORY}': ")
    assert said.endswith("Connection reset by peer")


def test_a_hub_that_nobody_runs_is_one_clear_line(
    stand_in: type[StandInHub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "")
    monkeypatch.setenv("SSL_CERT_DIR", "/")
    assert refusal() == (
        f"'{REPOSITORY}' is not a directory here, and the model hub cannot be reached at "
        "http://127.0.0.1:1 ([Errno 111] Connection refused); set here: SSL_CERT_DIR"
    )


def test_what_the_client_says_is_one_line_and_names_what_decides_how_the_hub_is_reached(
    stand_in: type[StandInHub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "foo://me:secret@proxy")
    assert refusal() == (
        f"cannot fetch '{REPOSITORY}': Unknown scheme for proxy URL URL('foo://***@proxy'); "
        "set here: HTTP_PROXY"
    )


def test_a_download_that_ends_early_is_one_clear_line_and_the_next_one_is_whole(
    stand_in: type[StandInHub],
) -> None:
    stand_in.fault = "cut"
    assert refusal().startswith(f"cannot fetch '{REPOSITORY}': peer closed connection")
    stand_in.fault = ""
    name = "model.safetensors"
    fetched = hub.resolve(REPOSITORY) / name
    assert fetched.read_bytes() == (stand_in.folder / name).read_bytes()


def fetch_elsewhere(**variables: str) -> tuple[int, str]:
    """Resolve a hub id in a process of its own, since the client reads variables at its import."""
    names = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "NO_PROXY": ""}
    done = subprocess.run(
        [sys.executable, "-c", RESOLVE, REPOSITORY],
        env={**os.environ, **names, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr or done.stdout


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("HF_ENDPOINT", "hub.local", "such as https://hub.local"),
        ("HF_ENDPOINT", "ftp://hub.local", "such as https://hub.local"),
        ("HF_ENDPOINT", "https://", "name a host"),
        ("HF_ENDPOINT", "http://[bad", "no address"),
        ("HF_ENDPOINT", "http://127.0.0.1:99999", "no address"),
        ("HF_ENDPOINT", "http://127.0.0.1:1", "cannot be reached at http://127.0.0.1:1"),
        ("HF_HUB_OFFLINE", "maybe", "must be 1 or 0, not 'maybe'"),
        ("HF_HUB_OFFLINE", "1", "does not hold the model"),
        ("TRANSFORMERS_OFFLINE", "2", "must be 1 or 0"),
        ("HF_HUB_DOWNLOAD_TIMEOUT", "10s", "a whole number of seconds, not '10s'"),
        ("HF_HUB_ETAG_TIMEOUT", "-1", "a whole number of seconds"),
        ("HF_TOKEN", "hf_one\nhf_two", "set it again"),
        ("HF_TOKEN", "hf_é", "set it again"),
        ("HTTP_PROXY", "foo://proxy", "set here: HF_ENDPOINT, HTTP_PROXY"),
        ("HTTP_PROXY", "http://127.0.0.1:port", "HTTP_PROXY"),
        ("http_proxy", "socks5://127.0.0.1:1", "http_proxy"),
        ("SSL_CERT_FILE", "/nowhere.pem", "'/nowhere.pem', and there is nothing there"),
        ("HF_HOME", "/dev/null", "/dev/null"),
    ],
)
def test_a_wrong_variable_of_the_hubs_client_was_a_traceback(
    name: str, value: str, reason: str
) -> None:
    variables = {"HF_ENDPOINT": "http://127.0.0.1:1", name: value}
    status, said = fetch_elsewhere(**variables)
    assert status == 1
    assert said.count("\n") == 1, said
    assert name in said
    assert reason in said
    assert "hf_" not in said, "a token is a secret"


def test_empty_variables_and_a_token_with_a_line_end_are_no_fault(
    stand_in: type[StandInHub], tmp_path: Path
) -> None:
    empty = dict.fromkeys(("HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_OFFLINE"), "")
    with running(stand_in.folder) as (endpoint, _):
        status, said = fetch_elsewhere(
            **empty, HF_ENDPOINT=endpoint, HF_TOKEN="hf_secret\n", HF_HOME=str(tmp_path / "home")
        )
    assert status == 0, said
    assert REPOSITORY.replace("/", "--") in said


def test_a_full_disk_is_one_clear_line(stand_in: type[StandInHub]) -> None:
    """The limit on a file's size fails a write in the way that a full disk or a quota does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        message = refusal()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert message == (
        f"cannot keep '{REPOSITORY}': File too large; set HF_HOME to a folder that has room for "
        f"the model (the cache is {constants.HF_HUB_CACHE})"
    )
