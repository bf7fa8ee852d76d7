"""The output file: what is in it is kept, and the next run of the same command goes on there."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from models.prediction.output import BEGINNING, AnsweringModel, bad_row, kept_fields, output_line
from models.prediction.rows import FileRow
from models.tasks.example import DataError

_MOST_OUTPUT_BYTES = 16 * 1_048_576
"""A longer line is none of ours: a row is at most 1 MiB, and an escape six times a character."""


class OutputFile:
    """A file of output lines, open for reading and for appending, and locked."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file

    def resumed(
        self, rows: Iterator[FileRow], model: AnsweringModel
    ) -> Iterator[tuple[FileRow, int | None]]:
        """Take from ``rows`` those that are answered here, and yield each with its choice.

        A last line that is half written is cut off. Memory holds one row.

        Raises:
            DataError: a line is not what this command would have written for its row.
        """
        if not self._file.readable():
            return  # a pipe or a device, which keeps nothing
        kept = 0
        for raw in iter(lambda: self._file.readline(_MOST_OUTPUT_BYTES), b""):
            if not raw.endswith(b"\n"):
                self._check_half(raw)
                break
            row = next(rows, None)
            content = _content(raw)
            if row is None or not _is_answer(content, raw, row, model):
                raise self._stranger(content, kept, model)
            kept += len(raw)
            yield row, content.get("label") if "error" not in content else None
        self._file.seek(kept)
        self._file.truncate()

    def write(self, lines: bytes) -> None:
        """Append whole lines.

        Raises:
            DataError: the disk is full, or the like.
        """
        try:
            self._file.write(lines)
            self._file.flush()
        except OSError as error:
            raise DataError(f"{self._path} cannot be written: {error.strerror}") from error

    def _check_half(self, raw: bytes) -> None:
        """Cut off nothing but the beginning of a line of ours."""
        begins_as_ours = BEGINNING.startswith(raw[: len(BEGINNING)])
        if not begins_as_ours or len(raw) == _MOST_OUTPUT_BYTES:
            raise DataError(f"{self._path} is not an output of this command; name another --out")

    def _stranger(self, content: dict[str, Any], kept: int, model: AnsweringModel) -> DataError:
        found = content.get("model"), content.get("revision")
        if None not in found and found != (model.name, model.revision):
            other = f"of {found[0]} {found[1]}, not of {model.name} {model.revision}"
            return DataError(f"{self._path} has answers {other}; name another --out")
        return DataError(
            f"{self._path} differs from the input after {kept:,} bytes: it belongs to another "
            "file, or this one has changed; name another --out, or remove it"
        )


@contextmanager
def output_file(path: Path) -> Iterator[OutputFile]:
    """Open a file to go on in, or make it; what is in it stays.

    Raises:
        DataError: it cannot be opened, or another process writes it.
    """
    try:
        # In append mode a reader may seek, and a writer cannot overwrite what is there.
        file = path.open("a+b") if path.is_file() or not path.exists() else path.open("wb")
    except OSError as error:
        raise DataError(f"--out {path} cannot be written: {error.strerror}") from error
    try:
        if file.readable():
            _lock(path, file)
            file.seek(0)
        yield OutputFile(path, file)
    finally:
        # Every line was flushed: what closing meets, writing has said.
        with suppress(OSError):
            file.close()


def _lock(path: Path, file: BinaryIO) -> None:
    """Two runs that write one file would write rows twice; the lock ends with the process."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise DataError(f"--out {path} is being written by another process") from error


def _content(raw: bytes) -> dict[str, Any]:
    try:
        content = json.loads(raw)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _is_answer(content: dict[str, Any], raw: bytes, row: FileRow, model: AnsweringModel) -> bool:
    if row.item is None:
        return raw == output_line(row, bad_row(row), model)
    expected = kept_fields(row)
    if any(name not in content or content[name] != own for name, own in expected.items()):
        return False
    if "error" in content:
        return True
    return (content.get("model"), content.get("revision")) == (model.name, model.revision)
