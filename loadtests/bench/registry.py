"""The measurements: the question of each, and its function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console

from loadtests.bench import (
    adapters,
    encoder,
    engines,
    fairness,
    gpu,
    kills,
    lone,
    null,
    overload,
    peers,
    plain,
    plan,
    prompts,
    ray,
    replace,
    saturation,
    shares,
    simulation,
    soak,
    training,
)
from loadtests.bench.results import BenchResult


@dataclass(frozen=True)
class Measurement:
    """One measurement; the file of its name has its ``measure``."""

    name: str
    """As on the command line."""
    measure: Callable[[Console], list[BenchResult]]
    """Takes a console for progress; returns nothing if a tool that it needs is missing."""
    help: str
    """The question that it answers, in one line."""


_ALL = (
    Measurement(
        "encoder",
        encoder.measure,
        "How fast is the packed encoder, compared with transformers' padded pass?",
    ),
    Measurement("gpu", gpu.measure, "Do answers hold on a GPU, and how much of it is used?"),
    Measurement("training", training.measure, "How fast is a training step, compared with PEFT?"),
    Measurement(
        "adapters", adapters.measure, "What do ten adapters of one base take in memory, beside one?"
    ),
    Measurement("prompts", prompts.measure, "What do the words of the prompt cost?"),
    Measurement("engines", engines.measure, "What do engines in processes of their own cost?"),
    Measurement(
        "saturation", saturation.measure, "What does the service add to the engine's work?"
    ),
    Measurement(
        "lone", lone.measure, "How long does a single caller wait, compared with the engine?"
    ),
    Measurement("null", null.measure, "How fast is the service when its engine takes no time?"),
    Measurement(
        "plain", plain.measure, "How fast is it, compared with an endpoint without batches?"
    ),
    Measurement(
        "peers",
        peers.measure,
        "How fast is it, compared with FastAPI, LitServe, mosec and BentoML?",
    ),
    Measurement("ray", ray.measure, "What does Ray Serve's proxy cost beside the service alone?"),
    Measurement(
        "fairness", fairness.measure, "How long does a single caller wait beside a bulk caller?"
    ),
    Measurement(
        "shares", shares.measure, "Do three variants share the engines by their weights under load?"
    ),
    Measurement(
        "overload", overload.measure, "What is answered in time at three times the capacity?"
    ),
    Measurement("kills", kills.measure, "What does it cost that an engine is killed every 2 s?"),
    Measurement(
        "replace", replace.measure, "What does it cost that a variant is replaced under load?"
    ),
    Measurement("plan", plan.measure, "Does `xcopa plan` simulate what the real service does?"),
    Measurement("simulation", simulation.measure, "How long do a million simulated requests take?"),
    Measurement("soak", soak.measure, "Does memory grow in 20 minutes at saturation?"),
)

MEASUREMENTS = {each.name: each for each in _ALL}
"""By name, in the order in which they run."""
