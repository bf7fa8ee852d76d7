"""What else the machine did: programs of a low priority count, those of the run do not."""

from __future__ import annotations

import time
from types import SimpleNamespace

import psutil
import pytest

from loadtests.study import noise


class Ticks:
    """A machine whose clocks are what a test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.own = 0.0, 0.0
        self.times = {"user": 0.0, "nice": 0.0, "system": 0.0, "steal": 0.0}
        monkeypatch.setattr(time, "monotonic", lambda: self.wall)
        monkeypatch.setattr(psutil, "cpu_times", lambda: SimpleNamespace(**self.times))
        monkeypatch.setattr(psutil, "cpu_count", lambda: 2)
        monkeypatch.setattr(noise, "_own_seconds", lambda: self.own)


@pytest.mark.parametrize("kind", ["user", "nice", "system"])
def test_others_are_what_was_busy_beside_the_run(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = Ticks(monkeypatch)
    with noise.noted() as found:
        ticks.wall, ticks.own = 10.0, 12.0
        ticks.times |= {kind: 17.0, "steal": 1.0}
    assert found["others"] == pytest.approx(0.5)
    assert found["stolen"] == pytest.approx(0.05)
    assert found["load"] >= 0


def test_a_run_alone_has_no_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = Ticks(monkeypatch)
    with noise.noted() as found:
        ticks.wall, ticks.own = 10.0, 12.0
        ticks.times["user"] = 11.9
    assert (found["others"], found["stolen"]) == (0.0, 0.0)
