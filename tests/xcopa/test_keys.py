"""``xcopa keys``: what is printed, what is kept, and what is said of what cannot be done."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
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
    run("revoke", "alice", path=path)
    shown = run("list", path=path).stdout
    rows = [line.replace("│", " ").split() for line in shown.splitlines()]
    assert ["alice", "1", "any", "revoked"] in rows
    assert ["bob", "1", "1,500", "valid"] in rows
    [kept, _] = parse_keys(read_keys_file(path), path)
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


def test_managing_keys_loads_no_torch() -> None:
    code = "import xcopa.keys, sys; print({'torch', 'fastapi', 'transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
