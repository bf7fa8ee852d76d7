"""The embedded base in small: a BERT in the container's form, and wheels that carry it.

The container is written here by the rules of its C source, and pip reads the wheels from a folder.
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import BertConfig, BertModel

from app.weights.embedded import WheelMember
from tests import tiny

FLOAT32, Q4 = 0, 1
VOCABULARY = tiny.PIECES
ROWS_BEYOND = 16
"""Rows of the file's table behind its vocabulary, as the real one has."""
PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
Tensors = Mapping[str, tuple[int, bytes]]
"""The kind and the bytes of each tensor, by name."""


def q4_block(scale: float, nibbles: list[int]) -> bytes:
    packed = bytes(nibbles[j] | nibbles[j + 16] << 4 for j in range(16))
    return struct.pack("<e", scale) + packed


def container(
    tensors: Tensors,
    *,
    magic: bytes = b"E5S1",
    version: int = 1,
    sizes: tuple[int, ...] = (32, 1, 2, 64, 10, 8, 3),
    eps: float = 1e-12,
    block: int = 32,
) -> bytes:
    header = magic + struct.pack("<I", version)
    header += struct.pack("<7ifi", *sizes, eps, block)
    blob = b"abcde"
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


def bert() -> BertModel:
    """Return a small BERT whose every number is different enough to be missed, and exact in Q4."""
    config = BertConfig(
        vocab_size=VOCABULARY + ROWS_BEYOND,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=12,
        type_vocab_size=2,
        layer_norm_eps=2**-7,
    )
    model = BertModel(config, add_pooling_layer=False).eval()
    with torch.no_grad():
        for at, (name, parameter) in enumerate(model.named_parameters()):
            steps = (torch.arange(parameter.numel()) * 37 + at) % 1009 % 16 - 8
            parameter.copy_(steps.reshape(parameter.shape) / 16 + name.endswith("Norm.weight"))
    return model


def e5_file(model: BertModel) -> bytes:
    """Write a BERT as the container has it: matrices and words in 4 bits, the rest in fp32."""
    config, state = model.config, model.state_dict()
    names = {
        "emb.word": "embeddings.word_embeddings.weight",
        "emb.pos": "embeddings.position_embeddings.weight",
        "emb.type": "embeddings.token_type_embeddings.weight",
        "emb.ln.w": "embeddings.LayerNorm.weight",
        "emb.ln.b": "embeddings.LayerNorm.bias",
    }
    for layer in range(config.num_hidden_layers):
        for part, module in PARTS.items():
            names[f"l{layer}.{part}.w"] = f"encoder.layer.{layer}.{module}.weight"
            names[f"l{layer}.{part}.b"] = f"encoder.layer.{layer}.{module}.bias"
    tensors = {}
    for short, full in names.items():
        values = state[full].numpy()
        coarse = short == "emb.word" or (short.startswith("l") and values.ndim == 2)
        tensors[short] = (Q4, _in_q4(values)) if coarse else (FLOAT32, values.tobytes())
    sizes = (
        *(config.hidden_size, config.num_hidden_layers, config.num_attention_heads),
        *(config.intermediate_size, config.vocab_size, config.max_position_embeddings),
        config.type_vocab_size,
    )
    return container(tensors, sizes=sizes, eps=config.layer_norm_eps)


def _in_q4(values: NDArray[np.float32]) -> bytes:
    nibbles = (values.reshape(-1, 32) * 16 + 8).astype(int).tolist()
    return b"".join(q4_block(1 / 16, block) for block in nibbles)


def publish(index: Path, wheel: WheelMember, content: bytes) -> WheelMember:
    """Put a wheel with that content into an index; return it with the digests that it has."""
    name = wheel.project.replace("-", "_")
    tag = f"py3-none-{wheel.platform}"
    info = f"{name}-{wheel.version}.dist-info"
    about = f"Metadata-Version: 2.1\nName: {wheel.project}\nVersion: {wheel.version}\n"
    path = index / f"{name}-{wheel.version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(wheel.member, content)
        archive.writestr(f"{info}/METADATA", about)
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
        archive.writestr(f"{info}/RECORD", "")
    return replace(
        wheel,
        wheel_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        member_sha256=hashlib.sha256(content).hexdigest(),
    )
