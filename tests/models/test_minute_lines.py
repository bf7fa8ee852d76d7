"""Without a terminal, a line a minute says how far the work is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from models.minute_lines import MinuteLines


def told(times: Iterator[float], steps: range, total: int, more: str = "") -> list[str]:
    lines: list[str] = []
    made = MinuteLines(lines.append, lambda: next(times))
    for step in steps:
        made.tell("stilts", step, total, "steps", more)
    return lines


def test_an_hour_of_steps_is_a_line_a_minute_from_the_first_to_the_last() -> None:
    lines = told(iter(range(3601)), range(3601), 3600, "loss 0.500")
    assert len(lines) == 61
    assert lines[0] == "stilts: 0 of 3,600 steps, loss 0.500"
    assert lines[1] == "stilts: 60 of 3,600 steps, loss 0.500, 59 min left"
    assert lines[-1] == "stilts: 3,600 of 3,600 steps, loss 0.500"


def test_hours_are_told_as_hours_and_what_was_done_before_costs_no_time() -> None:
    lines = told(count(0.0, 60.0), range(1_000, 1_003), 1_142)
    assert lines[1] == "stilts: 1,001 of 1,142 steps, 2 h 21 min left"


def test_a_log_that_is_followed_gets_each_line_at_once(
    capfd: pytest.CaptureFixture[str],
) -> None:
    MinuteLines().tell("direct", 1, 9, "items")
    shown = capfd.readouterr()
    assert shown.err == "direct: 1 of 9 items\n"
    assert shown.out == "", "standard output is for results"
