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
_LOGITS, _FAILURE = 0, 1
MOST_TURNS = 1 << 31
"""Turns begin again before they outgrow an integer."""

READY = b"ready"
"""The first that an engine says."""


def pack_batch(turn: int, model: int, rows: Sequence[Row]) -> bytes:
    """Write a batch.

    Args:
        turn: the answer repeats it.
        model: its number.
        rows: their token ids, behind the length of each.
    """
    numbers = array(_INTEGER, (turn, model, len(rows)))
    numbers.extend(map(len, rows))
    for row in rows:
        numbers.extend(row)
    return numbers.tobytes()


def unpack_batch(frame: bytes) -> tuple[int, int, list[Row]]:
    """Return what ``pack_batch`` was given."""
    numbers = array(_INTEGER)
    numbers.frombytes(frame)
    turn, model, count, *rest = numbers.tolist()
    rows: list[Row] = []
    start = count
    for length in rest[:count]:
        rows.append(rest[start : start + length])
        start += length
    return turn, model, rows


def pack_logits(turn: int, logits: Sequence[float]) -> bytes:
    """Write the answer of a pass."""
    return _head(_LOGITS, turn) + array(_DOUBLE, logits).tobytes()


def pack_failure(turn: int, trace: str) -> bytes:
    """Write what a pass raised."""
    return _head(_FAILURE, turn) + trace.encode()


def unpack_answer(frame: bytes) -> tuple[int, list[float] | PassFailedError]:
    """Return the turn, and the logits or what the pass raised."""
    head = array(_INTEGER)
    size = 2 * head.itemsize
    head.frombytes(frame[:size])
    kind, turn = head
    if kind == _FAILURE:
        return turn, PassFailedError(frame[size:].decode())
    logits = array(_DOUBLE)
    logits.frombytes(frame[size:])
    return turn, list(logits)


def _head(kind: int, turn: int) -> bytes:
    return array(_INTEGER, (kind, turn)).tobytes()
