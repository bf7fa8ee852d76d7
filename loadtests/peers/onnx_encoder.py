"""ONNX Runtime's forward pass over padded rows.

All optimisations of the graph, which is the default, and the threads of the setup within an
operator: https://onnxruntime.ai/docs/performance/tune-performance/threading.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import onnxruntime

from loadtests.peers.padded_arrays import LOGITS, padded, padding_id


@dataclass(frozen=True)
class OnnxEncoder:
    """A session; its ``run`` may be called from several threads."""

    session: Any
    padding: int

    @classmethod
    def load(cls, model: Path, checkpoint: Path, threads: int) -> Self:
        """Load a model that ``convert`` has written."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        providers = ["CPUExecutionProvider"]
        session = onnxruntime.InferenceSession(str(model), options, providers=providers)
        return cls(session, padding_id(checkpoint))

    def logits(self, rows: Sequence[Sequence[int]]) -> list[float]:
        """Return one logit a row."""
        if not rows:
            return []
        [found] = self.session.run([LOGITS], padded(rows, self.padding))
        return [float(each) for each in found[:, 0]]
