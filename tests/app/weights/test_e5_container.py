"""The container's layout, on a small file written here by the rules of its C source."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from app.weights.e5_container import ContainerFormatError, E5Container, dequantise


def q4_block(scale: float, nibbles: list[int]) -> bytes:
    packed = bytes(nibbles[j] | nibbles[j + 16] << 4 for j in range(16))
    return struct.pack("<e", scale) + packed


def container(
    tensors: dict[str, tuple[int, bytes]], *, magic: bytes = b"E5S1", version: int = 1
) -> bytes:
    header = magic + struct.pack("<I", version)
    header += struct.pack("<7ifi", 32, 1, 2, 64, 10, 8, 2, 1e-12, 32)
    blob = b"abc"
    header += struct.pack("<5iQ", 3, 0, 2, 1, 3, len(blob))
    header += struct.pack("<4I", 0, 1, 2, 3) + struct.pack("<3f", 0, -1, -2) + blob
    header += struct.pack("<iI", 1, 9) + struct.pack("<IBI", 0x41, 1, 0x61)
    directory_bytes = 4 + sum(2 + len(name) + 1 + 4 + 8 + 8 for name in tensors)
    offset = len(header) + directory_bytes
    directory, body = struct.pack("<i", len(tensors)), b""
    for name, (dtype, raw) in tensors.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", dtype, 0, offset + len(body), len(raw))
        body += raw
    return header + directory + body


def test_a_block_is_nibbles_less_eight_times_its_scale_low_halves_first() -> None:
    nibbles = [j % 16 for j in range(32)]
    expected = [(nibble - 8) * 0.5 for nibble in nibbles]
    assert dequantise(q4_block(0.5, nibbles)).tolist() == expected


def test_tensors_of_both_kinds_are_found_by_name(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    plain = np.array([1.5, -2.0], dtype="<f4")
    path.write_bytes(
        container({"emb.ln.w": (0, plain.tobytes()), "emb.word": (1, q4_block(2.0, [15] * 32))})
    )
    file = E5Container(path)
    assert file.names == ["emb.ln.w", "emb.word"]
    assert (file.header.hidden, file.header.layers, file.header.positions) == (32, 1, 8)
    assert file.header.layer_norm_eps == pytest.approx(1e-12)
    assert file.tensor("emb.ln.w").tolist() == [1.5, -2.0]
    assert set(file.tensor("emb.word").tolist()) == {14.0}


def test_a_tensor_that_is_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(container({}))
    with pytest.raises(ContainerFormatError, match=r"l0\.q\.w"):
        E5Container(path).tensor("l0.q.w")


@pytest.mark.parametrize("wrong", [{"magic": b"GGUF"}, {"version": 2}])
def test_another_format_is_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(container({}, **wrong))  # type: ignore[arg-type]
    with pytest.raises(ContainerFormatError):
        E5Container(path)
