"""How long work takes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from loadtests import timing
from loadtests.timing import cpu_seconds, seconds, timed


def test_the_seconds_are_those_between_before_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([10.0, 12.5, 20.0, 20.25])
    clock = SimpleNamespace(perf_counter=lambda: next(moments))
    monkeypatch.setattr(timing, "time", clock)
    assert timed(divmod, 7, 2) == (2.5, (3, 1))
    assert seconds(divmod, 7, 2) == 0.25


def test_processor_time_counts_work() -> None:
    assert cpu_seconds(lambda: sum(range(1_000_000))) > 0
