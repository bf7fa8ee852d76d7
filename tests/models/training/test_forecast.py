"""What a run takes is said with the rate that its time is counted by."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.training.cost import Memory, PhaseCost
from models.training.forecast import Forecast, Rate, measured_rate
from tests.models.training import runs

MEMORY = Memory(weights=2_000_000_000, gradients=1_000_000, moments=2_000_000, activations=500_000)


def cost(flops: float) -> PhaseCost:
    return PhaseCost(tokens=1_200, flops=flops, memory=MEMORY)


def test_without_a_measured_phase_the_rate_is_assumed_and_said() -> None:
    forecast = Forecast(None, processes=1)
    assert list(forecast.lines(cost(6e15), is_done=False)) == [
        "  1,200 tokens, 6.00e+15 FLOPs, about 1.0 min",
        "  about 2,003.5 MB on each device: weights 2,000.0, gradients 1.0, AdamW 2.0, "
        "activations 0.5",
    ]
    assert forecast.left() == (
        "phases that are not done: 1,200 tokens, 6.00e+15 FLOPs, about 1.0 min, at "
        "100 TFLOP/s (assumed: small batches do less, evaluations come on top)"
    )


def test_several_devices_divide_the_time() -> None:
    forecast = Forecast(None, processes=4)
    [taken, _] = forecast.lines(cost(4e18), is_done=False)
    assert taken == "  1,200 tokens, 4.00e+18 FLOPs, about 2.8 h"
    assert " at 100 TFLOP/s on each of 4 devices (assumed: " in forecast.left()


def test_the_rate_of_a_phase_that_is_done_comes_first() -> None:
    forecast = Forecast(Rate(2e12, Path("work/1-copa")), processes=4)
    list(forecast.lines(cost(1e12), is_done=True))
    list(forecast.lines(cost(3e12), is_done=False))
    assert forecast.left() == (
        "phases that are not done: 1,200 tokens, 3.00e+12 FLOPs, about 1.5 s, at the "
        "2 TFLOP/s of work/1-copa"
    )


def test_the_last_phase_that_is_done_is_measured(tmp_path: Path) -> None:
    assert measured_rate([tmp_path / "none"]) is None
    runs.done(tmp_path / "first")
    runs.done(tmp_path / "second")
    rate = measured_rate([tmp_path / "first", tmp_path / "second", tmp_path / "third"])
    assert rate is not None
    assert rate.source == tmp_path / "second"
    assert rate.flops == pytest.approx(1e9 / 12.345)
