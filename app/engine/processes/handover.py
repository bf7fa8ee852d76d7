"""A batch and its answer as bytes: machine integers one way, double precision the other.

Both ends are processes of one program on one machine, so the machine's own byte order will do.
A logit of fp32 or fp64 is exact in double precision.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from app.engine.engine import Row
from app.engine.seats import PassFailedError

_INTEGER, _DOUBLE = "i", "d"
_LOGITS, _FAILURE = b"\0", b"\1"

READY = b"ready"
"""The first that an engine says."""


def pack_batch(model: int, rows: Sequence[Row]) -> bytes:
    """Write the number of a model, of rows, the length of each row, and their token ids."""
    numbers = array(_INTEGER, (model, len(rows)))
    numbers.extend(map(len, rows))
    for row in rows:
        numbers.extend(row)
    return numbers.tobytes()


def unpack_batch(frame: bytes) -> tuple[int, list[Row]]:
    """Return what ``pack_batch`` was given."""
    numbers = array(_INTEGER)
    numbers.frombytes(frame)
    model, count, *rest = numbers.tolist()
    rows: list[Row] = []
    start = count
    for length in rest[:count]:
        rows.append(rest[start : start + length])
        start += length
    return model, rows


def pack_logits(logits: Sequence[float]) -> bytes:
    """Write the answer of a pass."""
    return _LOGITS + array(_DOUBLE, logits).tobytes()


def pack_failure(trace: str) -> bytes:
    """Write what a pass raised."""
    return _FAILURE + trace.encode()


def unpack_answer(frame: bytes) -> list[float]:
    """Return the logits.

    Raises:
        PassFailedError: the pass raised.
    """
    kind, content = frame[:1], frame[1:]
    if kind == _FAILURE:
        raise PassFailedError(content.decode())
    logits = array(_DOUBLE)
    logits.frombytes(content)
    return logits.tolist()
