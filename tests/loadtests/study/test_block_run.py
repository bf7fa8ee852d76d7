"""A block: two sides in short turns, so that what slows the machine for seconds meets both."""

from __future__ import annotations

import math
import random
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from loadtests.study import block_run
from loadtests.study.block_run import SLICE_S, in_processes, measured, orders
from loadtests.study.side import Comparison, Figures, Side
from loadtests.study.side_run import RunSlice

SECONDS, WARM_UP = 12.0, 1.0


def chance(seed: int = 0) -> random.Random:
    return random.Random(seed)  # noqa: S311 - an order, no secret


class Machine:
    """Simulated time, on which a call takes as long as the moment says."""

    def __init__(self, slowness: Callable[[float], float]) -> None:
        self.now = 0.0
        self.asked: list[tuple[str, int, int]] = []
        """Name, number and calls of every slice."""
        self._slowness = slowness

    def side(self, name: str, call_s: float) -> RunSlice:
        """Return a side whose calls take so long where nothing is slow."""

        def run(number: int, calls: int) -> Figures:
            self.asked.append((name, number, calls))
            taken = []
            for _ in range(calls):
                taken.append(call_s * self._slowness(self.now))
                self.now += taken[-1]
            return Figures(tuple(taken), calls, sum(taken), sum(taken))

        return run


def ratio(machine: Machine, seed: int, calls: Sequence[float] = (0.1, 0.1)) -> float:
    """Run a block; return the rate of the second side over that of the first."""
    sides = [machine.side(name, call_s) for name, call_s in zip("ab", calls, strict=True)]
    run = measured(sides, SECONDS, WARM_UP, chance(seed))
    first, second = (each.items / each.seconds for each in (run.first, run.second))
    return second / first


def test_both_orders_are_drawn_and_each_side_has_two_turns_of_four() -> None:
    drawn = Counter(islice(orders(chance()), 100))
    assert set(drawn) == {(0, 1, 1, 0), (1, 0, 0, 1)}
    assert min(drawn.values()) > 30


def test_turns_are_the_same_calls_on_both_sides_and_as_long_as_they_are_to_be() -> None:
    machine = Machine(lambda _: 1.0)
    ratio(machine, 0, (0.01, 0.02))
    slices = [each for each in machine.asked if each[2] > 1]
    first, second = ([each[1:] for each in slices if each[0] == name] for name in "ab")
    assert first == second
    assert {calls for _, calls in first} == {round(SLICE_S / 0.02)}
    assert [number for number, _ in first] == list(range(len(first)))


def test_a_call_that_is_longer_than_a_turn_is_a_turn() -> None:
    machine = Machine(lambda _: 1.0)
    ratio(machine, 0, (0.05, 2.0))
    assert {calls for _, _, calls in machine.asked} == {1}


def test_as_many_seconds_of_both_sides_are_measured_as_were_asked_for() -> None:
    machine = Machine(lambda _: 1.0)
    sides = [machine.side(name, 0.1) for name in "ab"]
    run = measured(sides, SECONDS, WARM_UP, chance())
    assert 2 * SECONDS <= run.first.seconds + run.second.seconds < 2 * SECONDS + 4 * 2 * SLICE_S
    assert set(run.noise) == {"stolen", "others", "load"}


def test_a_machine_that_becomes_slower_all_the_time_favours_nobody() -> None:
    machine = Machine(lambda now: 1 + now / 100)
    assert ratio(machine, 3) == pytest.approx(1, abs=1e-3)


def test_a_neighbour_that_came_and_went_for_seconds_told_long_runs_apart() -> None:
    """It takes a third of the speed for a few seconds at a time; blocks agree within 2 %."""

    def spread(turn_s: float) -> float:
        luck = chance(1)
        ratios = []
        for seed in range(40):
            starts = [luck.uniform(0, 40) for _ in range(5)]
            busy = [(start, start + luck.uniform(1, 4)) for start in starts]
            machine = Machine(partial(slowness, busy))
            ratios.append(math.log(ratio(machine, seed, (turn_s, turn_s))))
        return statistics.stdev(ratios)

    def slowness(busy: Sequence[tuple[float, float]], now: float) -> float:
        return 1.5 if any(begins <= now < ends for begins, ends in busy) else 1.0

    assert spread(0.1) < 0.02
    assert spread(4.0) > 0.05


def test_a_planted_difference_is_its_ratio_whatever_the_machine_does() -> None:
    machine = Machine(lambda now: 1 + 0.3 * (math.sin(now) > 0))
    assert ratio(machine, 5, (0.1, 0.105)) == pytest.approx(1 / 1.05, abs=0.02)


def test_either_side_starts_first_and_each_keeps_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server may be slower for having started first: chance shares that out."""
    started: list[str] = []

    @contextmanager
    def side_process(side: Side, batch_tokens: int, data: Path | None) -> Iterator[RunSlice]:
        assert (batch_tokens, data) == (384, None)
        started.append(side.name)
        taken = 0.1 if side.name == "a" else 0.2
        yield lambda _, calls: Figures((taken,) * calls, calls, taken * calls, 0.0)

    monkeypatch.setattr(block_run, "side_process", side_process)
    run_block = in_processes(seconds=1.0, warm_up=0.0, batch_tokens=384)
    compared = Comparison("c", "What?", Side("a", "direct"), Side("b", "stilts"))
    for seed in range(20):
        run = run_block(compared, chance(seed))
        assert (run.first.calls[0], run.second.calls[0]) == (0.1, 0.2)
    assert set(started[::2]) == {"a", "b"}
