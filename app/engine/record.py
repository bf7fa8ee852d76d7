"""What was measured on this machine, kept in a file so that the next start measures nothing."""

from __future__ import annotations

import json
import logging
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

Numbers = Mapping[str, float]
"""Of one thing that was measured; each is more than zero."""


class Record:
    """Measurements of one machine set up in one way, by what was measured.

    A file that is damaged or may not be written costs a measurement at every start, and no more.

    Args:
        what: is measured, as the log has it.
        file: its name.
        machine: all that the measurements depend on, beside what was measured.
        directory: where the file is; None keeps the measurements in memory alone.
    """

    def __init__(
        self, what: str, file: str, machine: str = "", directory: Path | None = None
    ) -> None:
        self._what = what
        self._machine = machine
        self._path = None if directory is None else directory / file
        self._known = _sound(self._read().get(machine))

    def find(self, measured: str) -> Numbers:
        """Return the numbers of what was measured; empty where it was not."""
        return self._known.get(measured, {})

    def keep(self, found: Mapping[str, Numbers]) -> None:
        """Add measurements, in memory and in the file."""
        self._known |= found
        if self._path is None:
            return
        try:
            _replace(self._path, self._read() | {self._machine: self._known})
        except OSError as error:
            log.info(
                "the next start measures the %s again, as %s cannot be written: %s",
                self._what,
                self._path,
                error.strerror or error,
            )

    def _read(self) -> dict[str, Any]:
        if self._path is None:
            return {}
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning(
                "what was measured of %s is not used: %s: %s", self._what, self._path, error
            )
            return {}
        return content if isinstance(content, dict) else {}


def _sound(content: object) -> dict[str, Numbers]:
    """Return what is sound of the part of a file; anyone may have written it."""
    entries = content.items() if isinstance(content, dict) else ()
    return {
        measured: numbers
        for measured, numbers in entries
        if isinstance(numbers, dict) and all(map(_is_sound, numbers.values()))
    }


def _is_sound(number: object) -> bool:
    return isinstance(number, float) and math.isfinite(number) and number > 0


def _replace(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file whole or not at all: several services may share it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1, sort_keys=True)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
