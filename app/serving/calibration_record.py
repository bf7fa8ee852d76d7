"""What was measured of the batches of a model, by the shape of the model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.engine.record import Record
from app.serving.calibration import SIZES, Sample

FILE = "batches.json"

_SIZES = {str(size) for size in SIZES}


class CalibrationRecord:
    """Times of batches by shape, of engines set up in one way; see ``Record``.

    Args:
        setup: machine, number and threads of the engines, numbers and kernels.
        directory: where the file is; None keeps the measurements in memory alone.
    """

    def __init__(self, setup: str = "", directory: Path | None = None) -> None:
        self._record = Record("batches", FILE, setup, directory)

    def find(self, shape: str) -> tuple[Sample, ...]:
        """Return the samples of a shape, by size; empty where it was not measured."""
        seconds = self._record.find(shape)
        if not seconds.keys() <= _SIZES:  # of another release
            return ()
        found = (Sample(int(tokens), value) for tokens, value in seconds.items())
        return tuple(sorted(found, key=lambda each: each.tokens))

    def keep(self, shape: str, samples: Sequence[Sample]) -> None:
        """Put samples in the place of earlier ones, in memory and in the file."""
        self._record.keep({shape: {str(each.tokens): each.seconds for each in samples}})
