"""What was measured of kernels, by layer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from app.engine.kernel_choice import Kernel, Seconds
from app.engine.record import Record

FILE = "kernels.json"


class KernelRecord:
    """Measurements by layer, of one machine set up in one way; see ``Record``.

    Args:
        machine: processor, torch's version, numbers, lanes and threads; all else must not matter.
        directory: where the file is; None keeps the measurements in memory alone.
    """

    def __init__(self, machine: str = "", directory: Path | None = None) -> None:
        self._record = Record("kernels", FILE, machine, directory)

    def find(self, layer: str) -> Seconds:
        """Return seconds a token by kernel; empty where the layer was not measured."""
        seconds = self._record.find(layer)
        if not seconds.keys() <= set(Kernel):  # of another release
            return {}
        return {Kernel(name): value for name, value in seconds.items()}

    def keep(self, measured: Mapping[str, Seconds]) -> None:
        """Add measurements, in memory and in the file."""
        self._record.keep({layer: _by_name(seconds) for layer, seconds in measured.items()})


def _by_name(seconds: Seconds) -> dict[str, float]:
    return {str(kernel): value for kernel, value in seconds.items()}
