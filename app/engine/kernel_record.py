"""What was measured of kernels, kept in a file so that the next start measures nothing."""

from __future__ import annotations

import json
import logging
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.engine.kernel_choice import Kernel, Seconds

log = logging.getLogger(__name__)

FILE = "kernels.json"


class KernelRecord:
    """Measurements by layer, of one machine set up in one way.

    A file that is damaged or may not be written costs a measurement at every start, and no more.

    Args:
        machine: processor, torch's version, numbers, lanes and threads; all else must not matter.
        directory: where the file is; None keeps the measurements in memory alone.
    """

    def __init__(self, machine: str = "", directory: Path | None = None) -> None:
        self._machine = machine
        self._path = None if directory is None else directory / FILE
        self._known = _seconds_of(self._read().get(machine))

    def find(self, layer: str) -> Seconds:
        """Return seconds a token by kernel; empty where the layer was not measured."""
        return self._known.get(layer, {})

    def keep(self, measured: Mapping[str, Seconds]) -> None:
        """Add measurements, in memory and in the file."""
        self._known |= measured
        if self._path is None:
            return
        try:
            _replace(self._path, self._read() | {self._machine: self._known})
        except OSError as error:
            log.info(
                "the next start measures the kernels again, as %s cannot be written: %s",
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
            log.warning("what was measured of kernels is not used: %s: %s", self._path, error)
            return {}
        return content if isinstance(content, dict) else {}


def _seconds_of(content: object) -> dict[str, Seconds]:
    """Return what is sound of the part of a file; anyone may have written it."""
    layers = content.items() if isinstance(content, dict) else ()
    return {
        layer: {Kernel(name): float(value) for name, value in seconds.items()}
        for layer, seconds in layers
        if isinstance(seconds, dict) and all(map(_is_sound, seconds.items()))
    }


def _is_sound(measurement: tuple[str, object]) -> bool:
    name, seconds = measurement
    is_number = isinstance(seconds, float) and math.isfinite(seconds) and seconds > 0
    return is_number and name in set(Kernel)


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
