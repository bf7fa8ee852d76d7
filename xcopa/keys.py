"""``xcopa keys``: add, list and revoke the API keys of a file."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from app.errors import StartError
from app.keys.keys_file import add_key, parse_keys, read_keys_file, revoke_key
from app.settings import Settings
from xcopa.start import failing_on, failure


def file_of(settings: Settings, file: Path | None) -> Path:
    """Return the file that is named, else that of the settings, or exit with a line."""
    path = file or settings.api_keys_file
    if path is None:
        raise failure("name the file of keys with --file, or set XCOPA_API_KEYS_FILE")
    return path


def add(path: Path, name: str, weight: int, tokens_per_second: int | None, *, admin: bool) -> None:
    """Draw a key, keep its digest, and print it, which nobody can do again."""
    with failing_on(StartError):
        key = add_key(path, name, weight, tokens_per_second, admin=admin)
    typer.echo(f"{path} has the key {name} now. This is the key; it is not kept:", err=True)
    typer.echo(key)


def show(path: Path) -> None:
    """Print who has keys, and what they may do."""
    with failing_on(StartError):
        keys = parse_keys(read_keys_file(path), path)
    table = Table("name", "weight", "tokens a second", "right", "state")
    for key in keys:
        limit = "any" if key.tokens_per_second is None else f"{key.tokens_per_second:,}"
        right = "admin" if key.admin else "call"
        state = "revoked" if key.revoked else "valid"
        table.add_row(key.name, str(key.weight), limit, right, state)
    Console().print(table)


def revoke(path: Path, name: str) -> None:
    """Mark a key as revoked."""
    with failing_on(StartError):
        revoke_key(path, name)
    typer.echo(f"{name} is revoked; a service that reads {path} refuses it within a few seconds")
