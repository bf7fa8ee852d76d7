"""The time of simulated requests: that there is a command for it, with a verdict."""

from __future__ import annotations

import pytest
from rich.console import Console

from loadtests.bench import simulation
from loadtests.bench.results import MET, MISSED
from loadtests.bench.simulation import REPLICAS, REQUESTS, results_of


def test_a_million_requests_are_judged_by_a_minute_of_one_core() -> None:
    assert REQUESTS == 1_000_000
    fast, slow = results_of({1: [20.0, 22.0], 7_000: [50.0, 80.0]})
    assert (fast.verdict, slow.verdict) == (MET, MISSED)
    assert fast.name == "processor time of 1,000,000 simulated requests to 1 replica"
    assert slow.name.endswith(" to 7,000 replicas")
    assert fast.details["us_a_request"] == 20.0
    assert slow.details["simulated_per_second"] > 900_000


def test_every_fleet_is_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time is judged."""
    monkeypatch.setattr(simulation, "REQUESTS", 500)
    monkeypatch.setattr(simulation, "REPLICAS", (1, 20))
    results = simulation.measure(Console(stderr=True))
    assert len(results) == len(REPLICAS)
    assert all(0 < each.least <= each.greatest for each in results)
