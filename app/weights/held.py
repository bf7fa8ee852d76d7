"""The weights of all variants in the memory of one process, and the engines made of them.

The process is that of the service, or the template that the engines of a pool are forked from.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import nn
from transformers import PreTrainedModel, XLMRobertaForMultipleChoice

from app.engine.compute import Compute
from app.engine.encoder import PackedEncoder
from app.engine.engine import Engine
from app.engine.lanes import Lanes
from app.engine.memory import working_bytes
from app.engine.plan import EnginePlan, plan_engines
from app.engine.processes.apart import apart
from app.engine.target import CPU, Target, TargetChoice, choose_target
from app.errors import wanted_by
from app.process import quiet_transformers, use_threads
from app.weights.checkpoint import Checkpoint
from app.weights.facts import Facts
from app.weights.files import readable
from app.weights.job import Job, variable_of
from app.weights.loading import load, max_tokens

log = logging.getLogger(__name__)

Made = TypeVar("Made")


@dataclass(frozen=True)
class Held(Generic[Made]):
    """A model's facts, and what was made of its weights."""

    facts: Facts
    made: Made


# In the process of the service -------------------------------------------------------------


def hold_here(checkpoints: Mapping[str, Checkpoint], compute: Compute) -> dict[str, Held[Engine]]:
    """Load models, and make engines of them that this process runs.

    Raises:
        StartError: a model cannot be loaded; the message begins with the variable that names it.
    """
    quiet_transformers()
    target = compute.target
    lanes = compute.plan.lanes if target.device.type == "cpu" else 1

    def make(model: XLMRobertaForMultipleChoice) -> Engine:
        encoder = PackedEncoder(model, target)
        return encoder if lanes == 1 else Lanes(encoder, compute.plan)

    return _load_all(checkpoints, target.device, make, lambda m: lanes * _working(m, target))


def _load_all(
    checkpoints: Mapping[str, Checkpoint],
    device: torch.device,
    make: Callable[[XLMRobertaForMultipleChoice], Made],
    working: Callable[[XLMRobertaForMultipleChoice], int],
) -> dict[str, Held[Made]]:
    """Load each model, make something of it, and let go of the rest before the next one."""
    tables = SharedTables()
    held: dict[str, Held[Made]] = {}
    for name, checkpoint in checkpoints.items():
        with wanted_by(variable_of(name)), readable(checkpoint.source):
            loaded = load(checkpoint)
        model = loaded.model.to(device)
        tables.share(model)
        config = model.config
        facts = Facts(
            revision=loaded.revision,
            parameters=sum(parameter.numel() for parameter in model.parameters()),
            working_bytes=working(model),
            max_tokens=max_tokens(config),
            vocab_size=config.vocab_size,
            bos_token_id=config.bos_token_id,
            eos_token_id=config.eos_token_id,
        )
        held[name] = Held(facts, make(model))
    return held


def _working(model: XLMRobertaForMultipleChoice, target: Target) -> int:
    return working_bytes(model.config, target, max_tokens(model.config))


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


def hold(job: Job) -> OnCpu | OnDevices:
    """Load the weights into a template.

    Raises:
        StartError: a model cannot be loaded, or the machine lacks what a setting asks for.
    """
    quiet_transformers()
    use_threads(1)
    # A process that has asked CUDA for anything cannot be forked, so another one asks.
    choice, devices = apart(_choose, job)
    plan = plan_engines(job.engines, job.threads, devices)
    log.info("%d engines run the models, with %d threads each", plan.engines, plan.threads)
    log.info("the models compute on %s", choice.reason)
    return (OnDevices if devices else OnCpu)(job.checkpoints, choice.target, plan)


def _choose(job: Job) -> tuple[TargetChoice, int]:
    choice = choose_target(job.device, job.precision)
    on_cpu = choice.target.device.type == "cpu"
    return choice, 0 if on_cpu else torch.cuda.device_count()


class OnCpu:
    """Encoders whose weights all engines share; a ``Weights``."""

    def __init__(
        self, checkpoints: Mapping[str, Checkpoint], target: Target, plan: EnginePlan
    ) -> None:
        held = _load_all(
            checkpoints,
            CPU,
            lambda model: PackedEncoder(model, target),
            lambda model: plan.engines * _working(model, target),
        )
        self.about = {name: each.facts for name, each in held.items()}
        self.plan = plan
        self._encoders = [each.made for each in held.values()]
        self._warm_up()

    def engines(self, number: int) -> Sequence[Engine]:  # noqa: ARG002
        """See ``Weights``."""
        if self.plan.threads > 1:  # what one thread compiles, the template has compiled
            use_threads(self.plan.threads)
            self._warm_up()
        return self._encoders

    def _warm_up(self) -> None:
        for encoder in self._encoders:
            encoder.warm_up()


class OnDevices:
    """Models that each engine moves to an accelerator of its own; a ``Weights``.

    This has not run on a GPU yet.
    """

    def __init__(
        self, checkpoints: Mapping[str, Checkpoint], target: Target, plan: EnginePlan
    ) -> None:
        held = _load_all(
            checkpoints,
            CPU,
            lambda model: model,
            lambda model: plan.engines * _working(model, target),
        )
        self.about = {name: each.facts for name, each in held.items()}
        self.plan = plan
        self._models = [each.made for each in held.values()]
        self._target = target

    def engines(self, number: int) -> Sequence[Engine]:
        """See ``Weights``."""
        device = torch.device(self._target.device.type, number % torch.cuda.device_count())
        target = Target(device, self._target.precision)
        encoders = [PackedEncoder(model.to(device), target) for model in self._models]
        for encoder in encoders:
            encoder.warm_up()
        return encoders
