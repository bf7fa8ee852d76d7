"""Files of a model: how they are written, and what is said when one cannot be read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import StartError

LFS_POINTER = b"version https://git-lfs"
"""What a file begins with whose content Git LFS has not fetched."""


@contextmanager
def readable(source: str) -> Iterator[None]:
    """Turn whatever the system refuses into one line that names the path.

    Raises:
        StartError: in place of an ``OSError``.
    """
    try:
        yield
    except OSError as error:
        path = error.filename or source
        reason = error.strerror or str(error)
        hint = ""
        if isinstance(error, PermissionError):
            hint = f"; let the user that runs the service (uid {os.geteuid()}) read it"
        raise StartError(f"cannot read {path}: {reason}{hint}") from error


def exists(path: Path) -> bool:
    """Whether there is a file or a directory. Unlike ``Path.exists``, says when it cannot know.

    Raises:
        OSError: a directory on the way may not be entered, or links form a circle.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last of a NUL
        return False
    return True


def refuse_lfs_pointer(path: Path) -> None:
    """Look at how a file begins.

    Raises:
        StartError: it only says where Git LFS keeps the content.
        OSError: it cannot be read.
    """
    with path.open("rb") as handle:
        if handle.read(len(LFS_POINTER)) == LFS_POINTER:
            raise StartError(
                f"{path} is a Git LFS pointer and not the file itself; run `git lfs pull` there"
            )


def write_json(path: Path, content: object) -> None:
    """Write a JSON object for people to read as well."""
    path.write_bytes((json.dumps(content, indent=2) + "\n").encode())


def finish(directory: Path) -> None:
    """Have every user read the files of a model, and the disk hold them, before they are named.

    safetensors writes for the owner alone; an image runs as another user than built it.
    """
    for path in directory.iterdir():
        path.chmod(0o644)
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
