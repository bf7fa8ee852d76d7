"""The weights of all variants in the memory of one process, and the engines made of them.

The process is that of the service, or the template that the engines of a pool are forked from.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import torch
from torch import nn
from transformers import PreTrainedModel, XLMRobertaConfig, XLMRobertaForMultipleChoice

from app.engine.compute import Compute
from app.engine.encoder import PackedEncoder
from app.engine.engine import Engine
from app.engine.lanes import Lanes
from app.engine.memory import working_bytes
from app.engine.pool import EnginePool
from app.engine.processes.messages import Order
from app.engine.target import CPU, Target
from app.errors import wanted_by
from app.process import quiet_transformers
from app.weights.checkpoint import Checkpoint
from app.weights.files import readable
from app.weights.loading import load, max_tokens

FACTORY = f"{__name__}:hold"
"""What a template calls."""

Made = TypeVar("Made")


def variable_of(variant: str) -> str:
    """Return the environment variable that names the source of a variant."""
    return f"XCOPA_MODELS__{variant.upper()}"


@dataclass(frozen=True)
class Facts:
    """What is to be known of a model besides what it answers."""

    revision: str
    parameters: int
    working_bytes: int
    """Of all engines together."""
    config: XLMRobertaConfig


@dataclass(frozen=True)
class Held(Generic[Made]):
    """A model's facts, and what was made of its weights."""

    facts: Facts
    made: Made


def run_engines(
    checkpoints: Mapping[str, Checkpoint], compute: Compute
) -> tuple[Mapping[str, Engine], Mapping[str, Facts]]:
    """Load models and start their engines, here or in processes of their own.

    Raises:
        StartError: a model cannot be loaded; the message begins with the variable that names it.
    """
    if compute.engines is None:
        held = load_all(checkpoints, compute, compute.target.device, lambda m: _here(m, compute))
        return {name: each.made for name, each in held.items()}, _facts(held)
    level = logging.getLogger().getEffectiveLevel()
    pool = EnginePool(Order(FACTORY, Job(dict(checkpoints), compute), level), compute.engines)
    facts = cast("dict[str, Facts]", pool.start())
    return pool.engines(list(checkpoints)), facts


def load_all(
    checkpoints: Mapping[str, Checkpoint],
    compute: Compute,
    device: torch.device,
    make: Callable[[XLMRobertaForMultipleChoice], Made],
) -> dict[str, Held[Made]]:
    """Load each model, make something of it, and let go of the rest before the next one.

    Raises:
        StartError: see ``run_engines``.
    """
    tables = SharedTables()
    held: dict[str, Held[Made]] = {}
    for name, checkpoint in checkpoints.items():
        with wanted_by(variable_of(name)), readable(checkpoint.source):
            loaded = load(checkpoint)
        model = loaded.model.to(device)
        tables.share(model)
        facts = Facts(
            loaded.revision,
            sum(parameter.numel() for parameter in model.parameters()),
            _passes(compute)
            * working_bytes(model.config, compute.target, max_tokens(model.config)),
            model.config,
        )
        held[name] = Held(facts, make(model))
    return held


def _passes(compute: Compute) -> int:
    """How many passes may run at once."""
    if compute.engines is not None:
        return compute.engines.engines
    return compute.plan.lanes if compute.target.device.type == "cpu" else 1


def _here(model: XLMRobertaForMultipleChoice, compute: Compute) -> Engine:
    encoder = PackedEncoder(model, compute.target)
    return encoder if _passes(compute) == 1 else Lanes(encoder, compute.plan)


def _facts(held: Mapping[str, Held[Made]]) -> dict[str, Facts]:
    return {name: each.facts for name, each in held.items()}


class SharedTables:
    """The embedding tables that several variants use and memory holds once."""

    def __init__(self) -> None:
        self._tables: list[nn.Embedding] = []

    def share(self, model: PreTrainedModel) -> None:
        """Have the model use a word embedding table that is held, if one equals its own."""
        own = model.get_input_embeddings()
        for table in self._tables:
            if table.weight.shape == own.weight.shape and torch.equal(table.weight, own.weight):
                model.set_input_embeddings(table)
                return
        self._tables.append(own)


# In the template ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """What the engines of a pool are to be."""

    checkpoints: Mapping[str, Checkpoint]
    compute: Compute


def hold(job: Job) -> OnCpu | OnDevices:
    """Load the weights into a template.

    Raises:
        StartError: see ``run_engines``.
    """
    quiet_transformers()
    target = job.compute.target
    if target.device.type != "cpu":
        # A process that has used CUDA cannot be forked, so each engine moves its own weights.
        return OnDevices(load_all(job.checkpoints, job.compute, CPU, lambda m: m), target)
    on_cpu = OnCpu(load_all(job.checkpoints, job.compute, CPU, lambda m: PackedEncoder(m, target)))
    for engine in on_cpu.engines(0, 1):
        engine.warm_up()
    return on_cpu


class OnCpu:
    """Encoders whose weights all engines share; a ``Weights``."""

    def __init__(self, held: Mapping[str, Held[PackedEncoder]]) -> None:
        self.about = _facts(held)
        self._encoders = [each.made for each in held.values()]

    def engines(self, number: int, threads: int) -> Sequence[Engine]:  # noqa: ARG002
        """See ``Weights``."""
        if threads > 1:  # what one thread compiles, the template has compiled
            for encoder in self._encoders:
                encoder.warm_up()
        return self._encoders


class OnDevices:
    """Models that each engine moves to an accelerator of its own; a ``Weights``.

    This has not run on a GPU yet.
    """

    def __init__(
        self, held: Mapping[str, Held[XLMRobertaForMultipleChoice]], target: Target
    ) -> None:
        self.about = _facts(held)
        self._models = [each.made for each in held.values()]
        self._target = target

    def engines(self, number: int, threads: int) -> Sequence[Engine]:  # noqa: ARG002
        """See ``Weights``."""
        kind = self._target.device.type
        device = torch.device(kind, number % torch.cuda.device_count())
        target = Target(device, self._target.precision)
        encoders = [PackedEncoder(model.to(device), target) for model in self._models]
        for encoder in encoders:
            encoder.warm_up()
        return encoders
