"""The weights of all variants in the memory of one process, and the engines made of them.

The process is that of the service, or the template that the engines of a pool are forked from.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import nn
from transformers import PreTrainedModel, XLMRobertaForMultipleChoice

from app.engine.compute import Compute
from app.engine.encoder import PackedEncoder
from app.engine.engine import Engine
from app.engine.kernel_choice import Kernels
from app.engine.kernel_record import KernelRecord
from app.engine.kernels import check_kernel, choose_kernels
from app.engine.lanes import Lanes
from app.engine.memory import working_bytes
from app.engine.processes.apart import apart
from app.engine.processes.nodes import bind
from app.engine.target import CPU, Target, TargetChoice, choose_target
from app.engine.threads import ONE_LANE
from app.engine.weight_store import WeightStore
from app.errors import StartError, wanted_by
from app.model_settings.names import variable_of
from app.process import quiet_transformers, use_threads
from app.weights.adapter_choice import AdapterChoice
from app.weights.checkpoint import Checkpoint
from app.weights.choosing import ComputeChoice, name_machine, name_setup, name_shape
from app.weights.facts import Facts
from app.weights.files import readable
from app.weights.job import AdapterSetting, Job
from app.weights.loading import load, max_tokens

log = logging.getLogger(__name__)

Made = TypeVar("Made")


@dataclass(frozen=True)
class Held(Generic[Made]):
    """A model's facts, and what was made of its weights."""

    facts: Facts
    made: Made


# In the process of the service -------------------------------------------------------------


def hold_here(
    checkpoints: Mapping[str, Checkpoint],
    cache_dir: Path,
    compute: Compute,
    adapters: AdapterSetting = "merged",
) -> dict[str, Held[Engine]]:
    """Load models, and make engines of them that this process runs.

    Args:
        checkpoints: by variant.
        cache_dir: where measurements of kernels are kept.
        compute: how the forward passes run.
        adapters: nothing is measured here, so ``auto`` merges them.

    Raises:
        StartError: a model cannot be loaded; the message begins with the variable that names it.
    """
    quiet_transformers()
    target = compute.target
    plan = compute.plan if target.device.type == "cpu" else ONE_LANE
    record = KernelRecord(name_setup(target, compute.plan), cache_dir)

    def choose(model: XLMRobertaForMultipleChoice) -> _Way:
        kernels = choose_kernels(model.config, target, compute.plan, compute.kernel, record)
        return _Way(plan.lanes, kernels, plan.threads_a_lane)

    setting = _Setting(target, target.device, choose, _unmeasured(adapters))
    store = WeightStore()

    def make(model: XLMRobertaForMultipleChoice, kernels: Kernels) -> Engine:
        encoder = PackedEncoder(model, target, kernels, store)
        return encoder if plan.lanes == 1 else Lanes(encoder, plan)

    return _load_all(checkpoints, setting, make)


@dataclass(frozen=True)
class _Way:
    """How a model computes."""

    passes: int
    """That may run at once."""
    kernels: Kernels
    threads: int
    """Of one pass."""


@dataclass(frozen=True)
class _Setting:
    """How models are loaded, whatever is made of them."""

    target: Target
    device: torch.device
    """Where their weights are to be."""
    choose: Callable[[XLMRobertaForMultipleChoice], _Way]
    adapters: AdapterChoice


def _load_all(
    checkpoints: Mapping[str, Checkpoint],
    setting: _Setting,
    make: Callable[[XLMRobertaForMultipleChoice, Kernels], Made],
) -> dict[str, Held[Made]]:
    """Load each model, make something of it, and let go of the rest before the next one."""
    tables = SharedTables()
    held: dict[str, Held[Made]] = {}
    for name, checkpoint in checkpoints.items():
        with wanted_by(checkpoint.setting or variable_of(name)), readable(checkpoint.source):
            loaded = load(checkpoint, apart=setting.adapters.may_stay_apart(checkpoint))
        model = loaded.model.to(setting.device)
        tables.share(model)
        config = model.config
        setting.adapters.merge_costly(name, model)
        way = setting.choose(model)
        state = setting.adapters.settle(name, checkpoint, model, way.kernels)
        longest = max_tokens(config)
        facts = Facts(
            revision=loaded.revision,
            shape=name_shape(config),
            parameters=sum(parameter.numel() for parameter in model.parameters()),
            working_bytes=way.passes * working_bytes(config, setting.target, longest),
            max_tokens=longest,
            vocab_size=config.vocab_size,
            bos_token_id=config.bos_token_id,
            eos_token_id=config.eos_token_id,
            kernels=way.kernels,
            machine=name_machine(setting.target),
            device=setting.target.device.type,
            precision=setting.target.precision.value,
            threads=way.threads,
            adapter=state,
        )
        held[name] = Held(facts, make(model, way.kernels))
    return held


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


def _unmeasured(setting: AdapterSetting) -> AdapterChoice:
    """Merge adapters unless the setting says otherwise."""
    return AdapterChoice("merged" if setting == "auto" else setting)


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
    log.info("the models compute on %s", choice.reason)
    if devices and job.adapters == "apart":
        raise StartError(
            "XCOPA_ADAPTERS is apart, which shares a base in the memory of a CPU: set it to auto "
            f"or merged on {choice.target.device.type}"
        )
    return (OnDevices if devices else OnCpu)(
        job, choice.target, ComputeChoice(job, choice.target, devices)
    )


def _in_template(target: Target, choice: ComputeChoice, adapters: AdapterChoice) -> _Setting:
    def choose(model: XLMRobertaForMultipleChoice) -> _Way:
        plan = choice.plan(model)
        return _Way(plan.engines, choice.kernels(model.config, plan), plan.threads)

    return _Setting(target, CPU, choose, adapters)


def _choose(job: Job) -> tuple[TargetChoice, int]:
    choice = choose_target(job.device, job.precision)
    check_kernel(job.kernel, choice.target)
    on_cpu = choice.target.device.type == "cpu"
    return choice, 0 if on_cpu else torch.cuda.device_count()


class OnCpu:
    """Encoders whose weights all engines share; a ``SharedWeights``."""

    def __init__(self, job: Job, target: Target, choice: ComputeChoice) -> None:
        store = WeightStore()
        adapters = AdapterChoice(job.adapters, job.checkpoints.values(), choice.adapter_time)
        held = _load_all(
            job.checkpoints,
            _in_template(target, choice, adapters),
            lambda model, kernels: PackedEncoder(model, target, kernels, store),
        )
        self.about = {name: each.facts for name, each in held.items()}
        self.plan = choice.chosen
        self._encoders = [each.made for each in held.values()]

    def warm_up(self) -> None:
        """See ``SharedWeights``."""
        # Of each thread: it may have been loaded on another one.
        use_threads(1)
        for encoder in self._encoders:
            encoder.warm_up()

    def engines(self, number: int) -> Sequence[Engine]:
        """See ``SharedWeights``."""
        bind(self.plan, number)
        if self.plan.threads > 1:  # what one thread compiles, the template has compiled
            use_threads(self.plan.threads)
            for encoder in self._encoders:
                encoder.warm_up()
        return self._encoders


class OnDevices:
    """Models that each engine moves to an accelerator of its own; a ``SharedWeights``.

    This has not run on a GPU yet.
    """

    def __init__(self, job: Job, target: Target, choice: ComputeChoice) -> None:
        setting = _in_template(target, choice, _unmeasured("merged"))
        self._held = _load_all(job.checkpoints, setting, lambda model, _: model)
        self.about = {name: each.facts for name, each in self._held.items()}
        self.plan = choice.chosen
        self._target = target

    def warm_up(self) -> None:
        """Nothing that engines could share: each has a device of its own."""

    def engines(self, number: int) -> Sequence[Engine]:
        """See ``SharedWeights``."""
        device = torch.device(self._target.device.type, number % torch.cuda.device_count())
        target = Target(device, self._target.precision)
        encoders = [
            PackedEncoder(each.made.to(device), target, each.facts.kernels)
            for each in self._held.values()
        ]
        for encoder in encoders:
            encoder.warm_up()
        return encoders
