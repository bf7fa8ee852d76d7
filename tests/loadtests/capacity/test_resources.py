"""Which resource is named as the limit."""

from __future__ import annotations

import pytest

from loadtests.capacity.resources import (
    ENGINES,
    FRONT,
    GENERATOR,
    OTHERS,
    PROCESSORS,
    UsageReading,
    limit_of,
    read_usage,
    usage,
)
from tests.loadtests.mlperf.answering import service


def reading(
    at: float, busy: float, front: float, generator: float, machine: float | None, server: float
) -> UsageReading:
    totals = {
        "xcopa_engines_planned": 2.0,
        "xcopa_engine_busy_seconds_total": busy,
        "process_cpu_seconds_total": front,
    }
    return UsageReading(at, totals, generator, machine, None if machine is None else server)


BEFORE = reading(100, 5, 1, 2, 50, 6)


def test_shares_are_of_the_time_between_two_readings() -> None:
    shares = usage(BEFORE, reading(110, 24, 4, 3, 68, 21), cores=2)
    assert shares == {GENERATOR: 0.1, ENGINES: 0.95, FRONT: 0.3, PROCESSORS: 0.9, OTHERS: 0.1}


def test_what_cannot_be_read_is_left_out() -> None:
    before, after = reading(0, 0, 0, 0, None, 0), reading(10, 10, 0, 0, None, 0)
    assert usage(before, after, cores=2) == {GENERATOR: 0, ENGINES: 0.5, FRONT: 0}
    before, after = (UsageReading(at, {}, 0, None, None) for at in (0, 10))
    assert usage(before, after, cores=2) == {GENERATOR: 0}


@pytest.mark.parametrize(
    ("shares", "lag_s", "limit"),
    [
        ({ENGINES: 0.97, FRONT: 0.9, PROCESSORS: 1}, 0, "engines (97%)"),
        ({ENGINES: 0.5, FRONT: 0.9}, 0, "the process that speaks HTTP (90%)"),
        ({ENGINES: 0.5, FRONT: 0.4, PROCESSORS: 0.99}, 9, "processors (99% of all cores)"),
        (
            {ENGINES: 0.97, GENERATOR: 0.9},
            0,
            "the load generator (90% of a core, 0 ms late): the service may do more",
        ),
        (
            {ENGINES: 0.97, GENERATOR: 0.1, PROCESSORS: 0.5},
            0.06,
            "the load generator (10% of a core, 60 ms late): the service may do more",
        ),
        (
            {ENGINES: 0.3, FRONT: 0.1},
            0,
            "none: the bound is near the time of a batch (engines 30%)",
        ),
        ({}, 0, "not known: the service did not say"),
    ],
)
def test_the_limit_is_what_was_used_up(shares: dict[str, float], lag_s: float, limit: str) -> None:
    assert limit_of(shares, lag_s, bound_s=0.5) == limit


def test_a_real_machine_can_be_read() -> None:
    with service() as asked:
        found = read_usage(asked)
    assert found.machine
    assert found.server is None
    assert found.service == {}
