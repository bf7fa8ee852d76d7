"""Rows shared out over lanes get the answers that the encoder gives them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.encoder import PackedEncoder
from app.engine.engine import Row
from app.engine.lanes import Lanes, shares
from app.engine.threads import LanePlan
from tests import tiny


@given(st.lists(st.integers(3, 512), max_size=80), st.integers(1, 6))
def test_every_row_is_in_one_share_and_shares_differ_by_a_row_at_most(
    lengths: list[int], lanes: int
) -> None:
    shared = shares(lengths, lanes)
    assert sorted(index for share in shared for index in share) == list(range(len(lengths)))
    tokens = [sum(lengths[index] for index in share) for share in shared]
    assert max(tokens) - min(tokens) <= max(lengths, default=0)
    assert all(shared[1:]), "no lane is woken for nothing"


@pytest.mark.parametrize(
    ("threads", "plan"),
    [
        (1, (1, 1)),
        (2, (2, 1)),
        (7, (7, 1)),
        (8, (4, 2)),
        (9, (3, 3)),
        (10, (2, 5)),
        (11, (2, 5)),
        (16, (4, 4)),
    ],
)
def test_threads_are_shared_out_evenly(threads: int, plan: tuple[int, int]) -> None:
    assert LanePlan.of(threads) == LanePlan(*plan)


@given(st.integers(1, 256))
def test_at_most_one_thread_in_eight_is_left_out(threads: int) -> None:
    plan = LanePlan.of(threads)
    assert 0.875 * threads <= plan.lanes * plan.threads_a_lane <= threads


@pytest.mark.parametrize("count", [0, 1, 2, 3, 17])
def test_answers_are_those_of_the_encoder_alone(count: int) -> None:
    encoder = PackedEncoder(tiny.drawn_multiple_choice(1).eval())
    rows = [(0, *range(5, 6 + 3 * number), 2) for number in range(count)]
    lanes = Lanes(encoder, LanePlan(3, 1))
    for _ in range(3):
        assert lanes.logits(rows) == pytest.approx(encoder.logits(rows), abs=1e-5)


class Failing:
    """Fails on the lanes that are not the caller's, and counts threads."""

    def __init__(self) -> None:
        self.broken = True

    def logits(self, rows: Sequence[Row]) -> list[float]:
        if self.broken and threading.current_thread() is not threading.main_thread():
            raise RuntimeError("a lane failed")
        return [0.0] * len(rows)


def test_an_error_on_any_lane_is_the_batchs_and_the_lane_lives_on() -> None:
    failing = Failing()
    lanes = Lanes(cast("PackedEncoder", failing), LanePlan(2, 1))
    with pytest.raises(RuntimeError, match="a lane failed"):
        lanes.logits([(0, 2), (0, 2)])
    failing.broken = False
    assert lanes.logits([(0, 2), (0, 2)]) == [0.0, 0.0]


class Noting:
    """Notes which thread runs which rows."""

    def __init__(self) -> None:
        self.ran: dict[str, list[Row]] = {}
        self.warm = 0

    def logits(self, rows: Sequence[Row]) -> list[float]:
        self.ran[threading.current_thread().name] = list(rows)
        return [float(len(row)) for row in rows]

    def warm_up(self) -> None:
        self.warm += 1


def test_the_longest_row_goes_to_the_callers_lane_and_the_next_ones_to_the_emptiest() -> None:
    noting = Noting()
    rows = [(0,) * length for length in (2, 9, 5, 4)]
    assert Lanes(noting, LanePlan(2, 1)).logits(rows) == [2.0, 9.0, 5.0, 4.0]
    own = threading.current_thread().name
    lengths = {name: [len(row) for row in ran] for name, ran in noting.ran.items()}
    assert lengths == {own: [9, 2], "xcopa-lane": [5, 4]}


@pytest.mark.parametrize("lanes", [1, 2])
def test_an_engine_that_answers_too_few_rows_is_an_error_and_no_row_gets_a_zero(
    lanes: int,
) -> None:
    class Short(Noting):
        def logits(self, rows: Sequence[Row]) -> list[float]:
            return super().logits(rows)[1:]

    with pytest.raises(ValueError, match="shorter"):
        Lanes(Short(), LanePlan(lanes, 1)).logits([(0, 2), (0, 5, 2), (0, 6, 7, 2)])


def test_a_lane_is_a_daemon_so_that_it_keeps_no_process_alive() -> None:
    before = set(threading.enumerate())
    Lanes(Noting(), LanePlan(3, 1))
    lanes = [thread for thread in threading.enumerate() if thread not in before]
    assert [(lane.name, lane.daemon) for lane in lanes] == [("xcopa-lane", True)] * 2


def test_lanes_are_warm_when_their_encoder_is() -> None:
    noting = Noting()
    Lanes(noting, LanePlan(2, 1)).warm_up()
    assert noting.warm == 1
