"""The file of API keys: a key a line; blank lines and lines that begin with ``#`` say nothing."""

from __future__ import annotations

import codecs
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from app.errors import StartError
from app.keys.api_key import ApiKey, KeyLineError, draw, parse_line

MOST_BYTES = 1_048_576
"""Of the file: some six thousand keys."""

MOST_NAMED = 5
"""How many bad lines one message names."""

_OWN_ALONE = 0o600


def read_keys_file(path: Path) -> bytes:
    """Return what the file holds.

    Raises:
        StartError: it cannot be read, is no file, or is too large.
    """
    try:
        # Not opened before it is known to be a file: a named pipe would wait for its writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise StartError(f"{path} is no file")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        missing = isinstance(error, FileNotFoundError)
        hint = "; `xcopa keys add` makes it" if missing else ""
        raise StartError(f"{path} cannot be read ({reason}){hint}") from error
    if len(content) > MOST_BYTES:
        raise StartError(f"{path} has more than {MOST_BYTES:,} bytes")
    return content


def parse_keys(content: bytes, path: Path) -> list[ApiKey]:
    """Return the keys of a file, in order.

    Args:
        content: of the file.
        path: of the file, for messages.

    Raises:
        StartError: lines are wrong; the message names file, line and field of each.
    """
    keys: list[ApiKey] = []
    wrong: list[str] = []
    names: dict[str, int] = {}
    salts: dict[str, int] = {}
    for number, line in _lines(content, path):
        if not _holds_key(line):
            continue
        try:
            key = parse_line(line)
            _check_first("name", names.setdefault(key.name, number), number)
            _check_first("digest", salts.setdefault(key.salt, number), number)
        except KeyLineError as error:
            wrong.append(f"line {number}, {error}")
        else:
            keys.append(key)
    if wrong:
        more = f"; and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
        raise StartError(f"{path}: {'; '.join(wrong[:MOST_NAMED])}{more}")
    return keys


def add_key(
    path: Path,
    name: str,
    weight: int = 1,
    tokens_per_second: int | None = None,
    *,
    admin: bool = False,
) -> str:
    """Add a key to the file, which is made if it is not there; return the key itself.

    Raises:
        StartError: the name is taken, a value is wrong, or the file cannot be read or written.
    """
    try:
        text, key = draw(name, weight, tokens_per_second, admin=admin)
    except KeyLineError as error:
        raise StartError(str(error)) from error

    def with_it(content: bytes) -> bytes:
        if any(each.name == name for each in parse_keys(content, path)):
            raise StartError(f"{path} has a key named {name}; choose another name")
        ended = content if content.endswith(b"\n") or not content else content + b"\n"
        return ended + key.line.encode() + b"\n"

    _change(path, with_it, new=True)
    return text


def revoke_key(path: Path, name: str) -> None:
    """Mark a key as revoked; its line stays, so that its holder is told why.

    Raises:
        StartError: there is no such key, or the file cannot be read or written.
    """

    def without_it(content: bytes) -> bytes:
        keys = {key.name: key for key in parse_keys(content, path)}
        if name not in keys:
            raise StartError(f"{path} has no key named {name!r}; `xcopa keys list` lists them")
        revoked = keys[name].revoke().line
        lines = content.decode().split("\n")
        return "\n".join(
            revoked + ("\r" if line.endswith("\r") else "") if _is_of(line, name) else line
            for line in lines
        ).encode()

    _change(path, without_it)


def _lines(content: bytes, path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise StartError(f"{path}: line {number}: is not UTF-8") from error
    return enumerate(text.split("\n"), 1)


def _holds_key(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _is_of(line: str, name: str) -> bool:
    text = line.removeprefix("\ufeff")
    return _holds_key(text) and text.split()[0] == name


def _check_first(field: str, first: int, number: int) -> None:
    if first != number:
        raise KeyLineError(field, f"is that of line {first}")


def _change(path: Path, change: Callable[[bytes], bytes], new: bool = False) -> None:
    """Replace the file as a whole: who reads it meanwhile finds the old one or the new one."""
    # A link stays a link.
    target = path.resolve()
    try:
        with FileLock(target.with_name(f".{target.name}.lock")):
            content = b"" if new and not target.exists() else read_keys_file(target)
            _replace(target, change(content))
    except OSError as error:
        raise StartError(f"{path} cannot be written ({error.strerror or error})") from error


def _replace(target: Path, content: bytes) -> None:
    # mkstemp makes a file that its owner alone may read.
    descriptor, made = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), _OWN_ALONE)
            if target.exists():
                # The service may run as another user than the one who adds a key.
                owner = target.stat()
                if (owner.st_uid, owner.st_gid) != (os.getuid(), os.getgid()):
                    os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            file.flush()
            os.fsync(file.fileno())
        Path(made).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(made).unlink()
        raise
