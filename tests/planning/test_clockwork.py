"""Simulated time."""

from __future__ import annotations

from planning.clockwork import Clockwork


def test_what_is_due_happens_in_the_order_of_its_time() -> None:
    clock, seen = Clockwork(), []
    for name, time in (("late", 3.0), ("early", 1.0), ("early too", 1.0)):
        clock.at(time, lambda name: seen.append((clock(), name)), name)
    clock.advance(2.0)
    assert seen == [(1.0, "early"), (1.0, "early too")]
    assert clock.now == 2.0
    clock.finish()
    assert seen[2:] == [(3.0, "late")]
    assert clock.now == 3.0


def test_what_happens_may_make_more_happen() -> None:
    clock, seen = Clockwork(), []

    def again(count: int) -> None:
        seen.append(clock())
        if count:
            clock.at(clock() + 1, again, count - 1)

    clock.at(1.0, again, 2)
    clock.advance(2.0)
    assert seen == [1.0, 2.0]
    clock.finish()
    assert seen == [1.0, 2.0, 3.0]
