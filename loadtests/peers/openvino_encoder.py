"""OpenVINO's forward pass over padded rows.

``THROUGHPUT`` is its documented hint for a server with many callers; it then runs several requests
side by side on the threads of the setup. Activations stay in fp32 where the model is in fp32:
https://docs.openvino.ai/2025/openvino-workflow/running-inference/optimize-inference/high-level-performance-hints.html
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import openvino

from loadtests.peers.padded_arrays import padded, padding_id


class OpenVinoEncoder:
    """A compiled model. Each thread that asks has an inference request of its own."""

    def __init__(self, compiled: Any, padding: int) -> None:
        self._compiled = compiled
        self._padding = padding
        self._own = threading.local()

    @classmethod
    def load(cls, model: Path, checkpoint: Path, threads: int) -> Self:
        """Load a model that ``convert`` has written."""
        settings = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32",
        }
        compiled = openvino.Core().compile_model(str(model), "CPU", settings)
        return cls(compiled, padding_id(checkpoint))

    def logits(self, rows: Sequence[Sequence[int]]) -> list[float]:
        """Return one logit a row."""
        if not rows:
            return []
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        found = self._own.request.infer(padded(rows, self._padding))
        return [float(each) for each in found[0][:, 0]]
