"""Whether memory suffices for models beside those that are served; imports no torch.

What a set of models takes beside its weights (libraries, passes, page tables) is that of the one
that is served, which is measured. Weights are counted from the headers of their files.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.errors import NoRoomError, StartError
from app.weights.checkpoint import Checkpoint, adapter_weights, weight_files
from app.weights.files import readable

MARGIN = 1.1
"""What is asked for, over what is expected."""

LEAST_PROCESS_BYTES = 200_000_000
"""What Python and torch take at least; it counts where the system does not let itself be asked."""

_FP32_BYTES = 4
_HEADER_LENGTH = struct.Struct("<Q")
_MOST_HEADER_BYTES = 100_000_000
"""A limit of the format itself."""
_TABLE = "word_embeddings.weight"


@dataclass(frozen=True)
class InMemory:
    """A set of models that is served."""

    checkpoints: Collection[Checkpoint]
    apart: Collection[Checkpoint]
    """Of them, those whose adapter shares its whole base."""
    taken: int
    """Bytes of its processes together; 0 where nobody says."""
    working: int
    """Bytes that their passes may take."""


def check_room(
    wanted: Collection[Checkpoint],
    apart: Collection[Checkpoint],
    now: InMemory,
    free: int | None,
) -> None:
    """Refuse models for which there is no memory beside those that are served.

    Args:
        wanted: all models of the new set.
        apart: of them, those whose adapter will share its whole base.
        now: the set that is served.
        free: bytes that may be taken; None where nobody says, and then nothing is refused.

    Raises:
        NoRoomError: they would not fit.
        StartError: a file of weights is not as it must be.
    """
    needed = needed_bytes(wanted, apart, now)
    if free is not None and needed > free:
        raise NoRoomError(
            f"the new models need about {needed / 1e6:,.0f} MB beside those that are served, until "
            f"these are no more, and {free / 1e6:,.0f} MB are free; nothing was loaded. Free "
            "memory, raise the limit of the container, or restart with other settings"
        )


def needed_bytes(
    wanted: Collection[Checkpoint], apart: Collection[Checkpoint], now: InMemory
) -> int:
    """Return the most memory that a set of models takes while it is loaded and afterwards."""
    beside_weights = max(
        now.taken - _weights_bytes(now.checkpoints, now.apart), now.working + LEAST_PROCESS_BYTES
    )
    # A model is read while the file's content is there once more.
    loading = max(_own_bytes(each) for each in wanted)
    return math.ceil(MARGIN * (_weights_bytes(wanted, apart) + loading + beside_weights))


def _weights_bytes(checkpoints: Collection[Checkpoint], apart: Collection[Checkpoint]) -> int:
    """Return what weights take in fp32; what several models share of a base counts once."""
    tables = {each.full: _table_bytes(each) for each in checkpoints}
    merged = [each for each in checkpoints if each not in apart]
    bases = {each.full: _base_bytes(each) for each in apart}
    return (
        sum(tables.values())
        + sum(_own_bytes(each) - tables[each.full] for each in merged)
        + sum(size - tables[full] for full, size in bases.items())
        + sum(_adapter_bytes(each) for each in apart)
    )


def _table_bytes(checkpoint: Checkpoint) -> int:
    sizes = _sizes(weight_files(checkpoint.full))
    return sum(size for name, size in sizes.items() if name.endswith(_TABLE))


def _own_bytes(checkpoint: Checkpoint) -> int:
    """Return what a model takes by itself: an adapter is merged into a copy of its base."""
    return _base_bytes(checkpoint) + _adapter_bytes(checkpoint)


def _base_bytes(checkpoint: Checkpoint) -> int:
    return sum(_sizes(weight_files(checkpoint.full)).values())


def _adapter_bytes(checkpoint: Checkpoint) -> int:
    if checkpoint.adapter is None:
        return 0
    return sum(_sizes((adapter_weights(checkpoint.adapter),)).values())


def _sizes(paths: Collection[Path]) -> dict[str, int]:
    """Return the bytes of each tensor of safetensors files, as fp32."""
    return {
        name: _FP32_BYTES * math.prod(about["shape"])
        for path in paths
        for name, about in _header(path).items()
        if name != "__metadata__"
    }


def _header(path: Path) -> Mapping[str, dict[str, list[int]]]:
    """Read what a safetensors file says of its tensors.

    Format: https://huggingface.co/docs/safetensors, a length of 8 bytes and so much JSON.

    Raises:
        StartError: it is another kind of file, or cut short.
    """
    try:
        with readable(str(path)), path.open("rb") as file:
            (length,) = _HEADER_LENGTH.unpack(file.read(_HEADER_LENGTH.size))
            if length > _MOST_HEADER_BYTES:
                raise ValueError("the length of its header")
            header: dict[str, dict[str, list[int]]] = json.loads(file.read(length))
    except (ValueError, struct.error) as error:
        raise StartError(f"{path} is no safetensors file, or not whole: {error}") from error
    return header
