"""The container's layout, on a small file that the tests write by the rules of its C source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.weights.e5_container import (
    ContainerFormatError,
    ContainerHeader,
    E5Container,
    dequantise,
)
from tests.app.weights.tiny_base import FLOAT32, Q4, Tensors, container, q4_block


def opened(directory: Path, tensors: Tensors, **changes: object) -> E5Container:
    path = directory / "model.bin"
    path.write_bytes(container(tensors, **changes))  # type: ignore[arg-type]
    return E5Container(path)


def test_a_block_is_nibbles_less_eight_times_its_scale_low_halves_first() -> None:
    nibbles = [j % 16 for j in range(32)]
    expected = [(nibble - 8) * 0.5 for nibble in nibbles]
    assert dequantise(q4_block(0.5, nibbles)).tolist() == expected


def test_each_block_has_its_own_scale() -> None:
    blocks = q4_block(0.5, [9] * 32) + q4_block(2.0, [4] * 16 + [10] * 16)
    expected = [0.5] * 32 + [-8.0] * 16 + [4.0] * 16
    assert dequantise(blocks).tolist() == expected


def test_a_scale_that_fp32_has_and_fp16_products_would_round_is_exact() -> None:
    scale = float(np.float16(0.3337))
    assert dequantise(q4_block(scale, [15] * 32)).tolist() == [7 * scale] * 32


def test_tensors_of_both_kinds_are_found_by_name(tmp_path: Path) -> None:
    plain = np.array([1.5, -2.0], dtype="<f4")
    file = opened(
        tmp_path,
        {"emb.ln.w": (FLOAT32, plain.tobytes()), "emb.word": (Q4, q4_block(2.0, [15] * 32))},
    )
    assert file.names == ["emb.ln.w", "emb.word"]
    assert file.tensor("emb.ln.w").tolist() == [1.5, -2.0]
    assert set(file.tensor("emb.word").tolist()) == {14.0}
    assert {file.tensor(name).dtype for name in file.names} == {np.dtype(np.float32)}


def test_a_tensor_may_be_written_to_and_the_file_stays_as_it_was(tmp_path: Path) -> None:
    plain = np.array([1.5, -2.0], dtype="<f4")
    file = opened(tmp_path, {"emb.ln.w": (FLOAT32, plain.tobytes())})
    file.tensor("emb.ln.w")[:] = 0
    assert file.tensor("emb.ln.w").tolist() == [1.5, -2.0]


def test_the_models_sizes_are_in_its_header(tmp_path: Path) -> None:
    assert opened(tmp_path, {}).header == ContainerHeader(
        hidden=32,
        layers=1,
        heads=2,
        intermediate=64,
        vocabulary=10,
        positions=8,
        token_types=3,
        layer_norm_eps=1e-12,
    )


def test_a_tensor_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContainerFormatError) as refused:
        opened(tmp_path, {}).tensor("l0.q.w")
    assert str(refused.value) == "the container has no tensor 'l0.q.w'"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"magic": b"GGUF"}, "model.bin does not begin with b'E5S1'"),
        ({"version": 2}, "model.bin has version 2, expected 1"),
        ({"block": 64}, "the container has blocks of 64, expected 32"),
    ],
)
def test_another_format_is_refused(tmp_path: Path, wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ContainerFormatError) as refused:
        opened(tmp_path, {}, **wrong)
    assert str(refused.value) == message
