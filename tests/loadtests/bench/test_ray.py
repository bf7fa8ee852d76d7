"""Replicas on Ray beside services without it: rounds are compared pair by pair."""

from __future__ import annotations

import importlib.util

import pytest
from rich.console import Console

from loadtests.bench import ray
from loadtests.bench.closed_load import ClosedLoad
from loadtests.bench.results import MET, MISSED


def load(requests: int, latency: float) -> ClosedLoad:
    return ClosedLoad([latency] * requests, seconds=10)


ROUNDS = [
    (load(800, 0.2), load(1000, 0.1)),
    (load(900, 0.3), load(1000, 0.1)),
    (load(700, 0.1), load(1000, 0.1)),
]


def test_the_proxy_is_compared_with_the_service_beside_it() -> None:
    rate, latency = ray.of_the_proxy(ROUNDS)
    assert [rate.least, rate.value, rate.greatest] == pytest.approx([0.7, 0.8, 0.9])
    assert [latency.least, latency.value, latency.greatest] == pytest.approx([1, 2, 3])


def test_the_fleet_has_a_target() -> None:
    assert ray.of_the_fleet("a proxy", ROUNDS).verdict == MISSED
    assert ray.of_the_fleet("a proxy", [(load(950, 0.1), load(1000, 0.1))]).verdict == MET


def test_without_ray_it_measures_nothing_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert ray.measure(Console(width=200)) == []
    assert "xcopa-service[ray]" in capsys.readouterr().out
