"""Speeds, traffic and fleets that the tests of planning share."""

from __future__ import annotations

from typing import Any

from app.serving.admission import Limits
from app.serving.work import ModelProfile, ServiceCurve
from planning.figures import Effort, LoadFigures, SimulatedFigure
from planning.lengths import LengthMix
from planning.simulation import Fleet
from planning.speed import ReplicaSpeed
from planning.traffic import Traffic

SERVICE_S = 0.01
TOKENS = 40

ONE_LENGTH = LengthMix({TOKENS: 1})

BRIEF = Effort(requests=300, runs=2, most_replicas=8)


def one_at_a_time(**more: Any) -> ReplicaSpeed:
    """A replica whose batches have one item, and take ``SERVICE_S`` for ``TOKENS`` tokens."""
    curve = ServiceCurve(0.0, SERVICE_S / TOKENS)
    return ReplicaSpeed(ModelProfile(TOKENS, curve), **more)


def usual(**more: Any) -> ReplicaSpeed:
    """A replica that batches, about as fast as the shipped models on two cores."""
    return ReplicaSpeed(ModelProfile(512, ServiceCurve(0.002, 0.0002)), **{"engines": 2, **more})


def fleet(replicas: int = 1, policy: str = "random", **more: Any) -> Fleet:
    """Replicas that refuse nothing, one item at a time where no speed is given."""
    speed = more.pop("speed", None) or one_at_a_time()
    return Fleet(speed, replicas, policy, Limits(1e6), timeout=1e7, **more)


def traffic(load: float, replicas: int = 1, **more: Any) -> Traffic:
    """Requests of one length, at a share of what the replicas with one engine answer at most."""
    return Traffic(load * replicas / SERVICE_S, ONE_LENGTH, **more)


def untold() -> None:
    """Nobody counts the simulations."""


def exactly(value: float) -> SimulatedFigure:
    return SimulatedFigure(value, value, value)


def figures(replicas: int = 3, rate: float = 100.0, p99: float = 0.2) -> LoadFigures:
    return LoadFigures(replicas, rate, exactly(p99 / 4), exactly(p99), 0.0, 0.5, 1.5, replicas)


def models_answer(**batching: Any) -> dict[str, Any]:
    """What ``GET /models`` answers, as far as a plan needs it."""
    measured = [{"tokens": 32, "seconds": 0.01}, {"tokens": 64, "seconds": 0.014}]
    own = {"batch_tokens": 512, "fixed_seconds": 0.002, "token_seconds": 0.0002}
    card = {"name": "stilts", "default": True, "batching": own | {"measured": measured} | batching}
    other = {"name": "direct", "default": False, "batching": own}
    return {"models": [other, card], "engines": {"count": 2}}
