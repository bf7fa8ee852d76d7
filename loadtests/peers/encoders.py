"""What computes logits behind the peers' servers; ``PEER_ENCODER`` names one.

Each is imported only when it is chosen, so that a process holds one runtime.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

TORCH, NULL, ONNX, ONNX_INT8, OPENVINO, OPENVINO_INT8 = ENCODERS = (
    *("torch", "null"),
    *("onnx", "onnx-int8"),
    *("openvino", "openvino-int8"),
)
VARIABLE = "PEER_ENCODER"


class RowEncoder(Protocol):
    """Rows of token ids to logits."""

    def logits(self, rows: Sequence[Sequence[int]]) -> list[float]:
        """Return one logit a row."""


class NullEncoder:
    """Computes nothing, so that what is around it can be measured."""

    def logits(self, rows: Sequence[Sequence[int]]) -> list[float]:
        return [0.0] * len(rows)


def chosen(environment: Mapping[str, str] = os.environ) -> str:
    """Return the name of the encoder that the environment asks for.

    Raises:
        ValueError: there is none of that name.
    """
    name = environment.get(VARIABLE, TORCH)
    if name not in ENCODERS:
        raise ValueError(f"{VARIABLE}={name} is none of {', '.join(ENCODERS)}")
    return name


def load_encoder(name: str, checkpoint: Path, threads: int) -> RowEncoder:
    """Load an encoder.

    Args:
        name: of ``ENCODERS``.
        checkpoint: with the files that ``convert`` has written, for runtimes that need them.
        threads: of a forward pass.
    """
    return _LOADERS[name](name, checkpoint, threads)


def _torch(name: str, checkpoint: Path, threads: int) -> RowEncoder:
    from loadtests.peers.torch_encoder import load_torch  # noqa: PLC0415

    del name
    return load_torch(checkpoint, threads)


def _null(name: str, checkpoint: Path, threads: int) -> RowEncoder:
    del name, checkpoint, threads
    return NullEncoder()


def _onnx(name: str, checkpoint: Path, threads: int) -> RowEncoder:
    from loadtests.peers.onnx_encoder import OnnxEncoder  # noqa: PLC0415

    return OnnxEncoder.load(checkpoint / f"{name}.onnx", checkpoint, threads)


def _openvino(name: str, checkpoint: Path, threads: int) -> RowEncoder:
    from loadtests.peers.openvino_encoder import OpenVinoEncoder  # noqa: PLC0415

    return OpenVinoEncoder.load(checkpoint / f"{name}.xml", checkpoint, threads)


_LOADERS: Mapping[str, Callable[[str, Path, int], RowEncoder]] = {
    TORCH: _torch,
    NULL: _null,
    ONNX: _onnx,
    ONNX_INT8: _onnx,
    OPENVINO: _openvino,
    OPENVINO_INT8: _openvino,
}
