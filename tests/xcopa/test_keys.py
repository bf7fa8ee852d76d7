"""``xcopa keys``: what is printed, what is kept, and what is said of what cannot be done."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.keys.api_key import digest_of
from app.keys.keys_file import parse_keys, read_keys_file
from xcopa.main import app


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture(autouse=True)
def _log() -> Iterator[None]:
    """A command sets up the log of its process, which is that of the tests here."""
    level = logging.getLogger().level
    yield
    logging.getLogger().setLevel(level)


def run(*arguments: object, path: Path | None = None) -> Result:
    environment = {"XCOPA_API_KEYS_FILE": str(path) if path else ""}
    return CliRunner().invoke(app, ["keys", *map(str, arguments)], env=environment)


def test_the_key_alone_is_on_standard_output(path: Path) -> None:
    """``KEY=$(xcopa keys add alice)`` is how it goes into a secret."""
    done = run("add", "alice", "--weight", 2, "--tokens-per-second", 300, "--file", path)
    assert done.exit_code == 0, done.output
    [key] = done.stdout.splitlines()
    assert key not in done.stderr
    assert "not kept" in done.stderr
    [kept] = parse_keys(read_keys_file(path), path)
    assert (kept.name, kept.weight, kept.tokens_per_second) == ("alice", 2, 300)
    assert kept.digest == digest_of(key.encode())


def test_the_file_of_the_settings_is_meant_where_none_is_named(path: Path) -> None:
    run("add", "alice", path=path)
    assert "alice" in run("list", path=path).stdout


def test_a_list_names_the_keys_and_shows_nothing_of_them(path: Path) -> None:
    key = run("add", "alice", path=path).stdout.strip()
    run("add", "bob", "--tokens-per-second", 1500, path=path)
    run("add", "ops", "--admin", path=path)
    run("revoke", "alice", path=path)
    shown = run("list", path=path).stdout
    rows = [line.replace("│", " ").split() for line in shown.splitlines()]
    assert ["alice", "1", "any", "call", "revoked"] in rows
    assert ["bob", "1", "1,500", "call", "valid"] in rows
    assert ["ops", "1", "any", "admin", "valid"] in rows
    [kept, *_] = parse_keys(read_keys_file(path), path)
    for secret in (*key.split("_")[1:], kept.digest.hex(), kept.salt):
        assert secret[:12] not in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "a b"), "name: must have"),
        (("add", "alice", "--weight", 0), "weight: must be a whole number from 1 to 1,000"),
        (("add", "alice", "--tokens-per-second", -5), "tokens_per_second: must be"),
        (("add", "taken"), "has a key named taken"),
        (("revoke", "nobody"), "has no key named 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    path: Path, arguments: tuple[object, ...], said: str
) -> None:
    run("add", "taken", path=path)
    before = path.read_bytes()
    done = run(*arguments, path=path)
    assert (done.exit_code, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert said in line
    assert path.read_bytes() == before


def test_a_file_must_be_named_and_be_there(path: Path) -> None:
    assert "XCOPA_API_KEYS_FILE" in run("list").stderr
    assert "No such file" in run("list", path=path).stderr


@contextmanager
def refusing() -> Iterator[tuple[str, list[str | None]]]:
    """Yield the address of a server that answers 401, and the keys that it is sent."""
    sent: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent.append(self.headers["Authorization"])
            self.send_response(401)
            self.end_headers()
            self.wfile.write(b'{"detail": "the API key is not known"}')

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", sent
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_key_is_sent_from_a_file_or_the_variable_and_its_refusal_is_one_line(
    command: str, tmp_path: Path
) -> None:
    rows, key = tmp_path / "rows.jsonl", tmp_path / "key"
    item = {"premise": "Wet.", "choice1": "Rain.", "choice2": "Sun.", "question": "cause"}
    rows.write_text(json.dumps({**item, "label": 0}), "utf-8")
    key.write_text("of-file\n", "utf-8")
    what = [str(rows)] if command == "predict" else ["--items", str(rows)]
    for more in ([], ["--key-file", str(key)]):
        with refusing() as (url, sent):
            arguments = [command, *what, "--against", url, *more]
            environment = {"XCOPA_API_KEY": "of-variable\n"}
            done = CliRunner().invoke(app, arguments, env=environment)
        assert (done.exit_code, done.stdout) == (1, "")
        assert sent == ["Bearer of-file" if more else "Bearer of-variable"]
        assert "answers 401: the API key is not known" in done.stderr
        assert "of-" not in done.stderr


def test_managing_keys_loads_no_torch() -> None:
    code = "import xcopa.keys, sys; print({'torch', 'fastapi', 'transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
