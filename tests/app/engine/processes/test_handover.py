"""What is handed over arrives as it was: every id, and every bit of a logit."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.processes.handover import (
    MOST_TURNS,
    pack_batch,
    pack_failure,
    pack_logits,
    unpack_answer,
    unpack_batch,
)
from app.engine.seats import PassFailedError

TURNS = st.integers(0, MOST_TURNS - 1)
IDS = st.integers(0, 2**31 - 1)


@given(TURNS, st.integers(0, 100), st.lists(st.lists(IDS, min_size=1, max_size=9), max_size=9))
def test_a_batch(turn: int, model: int, rows: list[list[int]]) -> None:
    assert unpack_batch(pack_batch(turn, model, rows)) == (turn, model, rows)


@given(TURNS, st.lists(st.floats(allow_nan=False)))
def test_logits(turn: int, logits: list[float]) -> None:
    assert unpack_answer(pack_logits(turn, logits)) == (turn, logits)


def test_a_logit_that_is_no_number_stays_one() -> None:
    _, [logit] = unpack_answer(pack_logits(1, [math.nan]))  # type: ignore[misc]
    assert math.isnan(logit)


@given(st.floats(width=32, allow_nan=False))
def test_single_precision_is_exact(logit: float) -> None:
    _, [arrived] = unpack_answer(pack_logits(0, [logit]))  # type: ignore[misc]
    assert struct.pack("f", arrived) == struct.pack("f", logit)


@pytest.mark.parametrize("trace", ["", "Traceback: ж\n 因"])
def test_a_failure(trace: str) -> None:
    turn, failure = unpack_answer(pack_failure(7, trace))
    assert (turn, str(failure)) == (7, trace)
    assert isinstance(failure, PassFailedError)
