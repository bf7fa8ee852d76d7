"""How the engines of a template compute: how many there are, and with which kernels.

Everything that is measured runs in other processes, since it takes threads.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

import torch
from transformers import XLMRobertaConfig, XLMRobertaForMultipleChoice

from app.engine.adapted import adapted_layers
from app.engine.adapter_time import measured_ratio
from app.engine.encoder import PackedEncoder
from app.engine.free_memory import free_memory
from app.engine.kernel_choice import Kernels, Product
from app.engine.kernel_record import KernelRecord
from app.engine.kernels import choose_kernels, products_of
from app.engine.memory import working_bytes
from app.engine.plan import MOST_ENGINES, EnginePlan, MeasuredPlan, candidates
from app.engine.plan_record import PlanRecord
from app.engine.processes.apart import NoAnswerError, apart
from app.engine.processes.trial import measure_plans
from app.engine.processor import name_processor
from app.engine.record import Record
from app.engine.target import Target
from app.engine.threads import LanePlan
from app.process import use_threads
from app.weights.job import Job
from app.weights.loading import max_tokens

log = logging.getLogger(__name__)

LAYERS = 4
"""Of the model that plans are measured with: layers are alike, and there are two seconds."""

_ADAPTERS_FILE = "adapters.json"
_RATIO = "apart over merged"

_ROOM = 2
"""Of free memory, the passes of all engines may take one part in so many."""


def name_setup(target: Target, plan: LanePlan) -> str:
    """Name all that the speed of a kernel depends on, beside the shape of its layer."""
    return f"{name_machine(target)}; {plan.lanes} lanes of {plan.threads_a_lane} threads"


def name_shape(config: XLMRobertaConfig) -> str:
    """Name all of an encoder's configuration that the time of its passes depends on."""
    return (
        f"{config.num_hidden_layers} layers of {config.hidden_size}, {config.num_attention_heads} "
        f"heads, {config.intermediate_size} inside, {config.hidden_act}"
    )


def name_machine(target: Target) -> str:
    """Name all that the speed of any pass depends on, beside the model and the threads."""
    gpu = f"{torch.cuda.get_device_name()}; " if target.device.type == "cuda" else ""
    return f"{gpu}{name_processor()}; torch {torch.__version__}; {target.precision}"


class ComputeChoice:
    """The plan of all engines, which the first model decides, and the kernels of each model.

    Kernels are measured for a plan, and plans with kernels. So the kernels come first, for the
    plan that is taken without measuring; and once more for another one that turns out better.

    Args:
        job: settings, and where measurements are kept.
        target: where the models compute, and in which numbers.
        devices: accelerators; 0 where the CPU computes.
    """

    def __init__(self, job: Job, target: Target, devices: int) -> None:
        self._job = job
        self._target = target
        self._devices = devices
        self._chosen: EnginePlan | None = None
        self._kernels: dict[tuple[EnginePlan, tuple[Product, ...]], Kernels] = {}

    @property
    def chosen(self) -> EnginePlan:
        """The plan, once there was a model to choose it with."""
        assert self._chosen is not None
        return self._chosen

    def plan(self, model: XLMRobertaForMultipleChoice) -> EnginePlan:
        """Return how many engines there are, and with how many threads.

        Args:
            model: measured where nothing is known yet; on the CPU.
        """
        if self._chosen is None:
            self._chosen = self._choose_plan(model)
            log.info(
                "%d engines run the models, with %d threads each; %.2f times as many tokens a "
                "second as without measuring",
                self._chosen.engines,
                self._chosen.threads,
                self._chosen.gain,
            )
        return self._chosen

    def kernels(self, config: XLMRobertaConfig, plan: EnginePlan) -> Kernels:
        """Return the kernels of a model; equal layers are measured once."""
        key = plan, products_of(config)
        if key not in self._kernels:
            question = self._job, self._target, LanePlan(plan.engines, plan.threads), config
            self._kernels[key] = apart(_choose_kernels, question)
        return self._kernels[key]

    def adapter_time(self, model: XLMRobertaForMultipleChoice, kernels: Kernels) -> float:
        """Return the time of a pass with the adapter apart over that with it merged.

        Infinity where the process that measures it ends, as when memory is short.

        Args:
            model: with its adapter apart; it is left as it is.
            kernels: of its linear layers.
        """
        layers = sorted({str(layer) for layer in adapted_layers(model).values()})
        measured = f"{name_shape(model.config)}; {', '.join(layers)}"
        setup = f"{name_machine(self._target)}; {self.chosen.threads} threads; {kernels.names}"
        record = Record("adapters", _ADAPTERS_FILE, setup, self._job.cache_dir)
        if known := record.find(measured).get(_RATIO):
            return known
        try:
            ratio = apart(_time_adapter, (model, self._target, kernels, self.chosen.threads))
        except NoAnswerError as error:
            log.warning("nothing is known of the time that an adapter takes apart: %s", error)
            return math.inf
        record.keep({measured: {_RATIO: ratio}})
        return ratio

    def _choose_plan(self, model: XLMRobertaForMultipleChoice) -> EnginePlan:
        job = self._job
        plans = candidates(
            job.engines, job.threads, self._devices, self._most_engines(model.config)
        )
        if len(plans) == 1:
            return plans[0]
        measured = self._measured(model, plans)
        for each in measured:
            log.info(
                "engines x threads %s: %.0f tokens a second through %d layers, a lone item in "
                "%.1f ms",
                each,
                each.tokens_per_second,
                min(LAYERS, model.config.num_hidden_layers),
                1000 * each.lone_seconds,
            )
        return EnginePlan.best(measured, plans[0]) if measured else plans[0]

    def _most_engines(self, config: XLMRobertaConfig) -> int:
        free = free_memory()
        if free is None:
            return MOST_ENGINES
        return free // _ROOM // working_bytes(config, self._target, max_tokens(config))

    def _measured(
        self, model: XLMRobertaForMultipleChoice, plans: Sequence[EnginePlan]
    ) -> tuple[MeasuredPlan, ...]:
        job, shape = self._job, name_shape(model.config)
        setup = f"{name_machine(self._target)}; {job.threads} threads; kernels {job.kernel}"
        record = PlanRecord(setup, job.cache_dir)
        if known := record.find(shape, plans):
            log.info("the engines were measured before")
            return known
        kernels = self.kernels(model.config, plans[0])
        try:
            found = apart(_measure, (model, self._target, kernels, plans))
        except NoAnswerError as error:
            log.warning("nothing is known of the best number of engines: %s", error)
            return ()
        record.keep(shape, found)
        return found


def _choose_kernels(question: tuple[Job, Target, LanePlan, XLMRobertaConfig]) -> Kernels:
    job, target, plan, config = question
    use_threads(plan.threads_a_lane)
    record = KernelRecord(name_setup(target, plan), job.cache_dir)
    return choose_kernels(config, target, plan, job.kernel, record)


def _time_adapter(
    question: tuple[XLMRobertaForMultipleChoice, Target, Kernels, int],
) -> float:
    model, target, kernels, threads = question
    use_threads(threads)
    return measured_ratio(model, target, kernels)


def _measure(
    question: tuple[XLMRobertaForMultipleChoice, Target, Kernels, Sequence[EnginePlan]],
) -> tuple[MeasuredPlan, ...]:
    model, target, kernels, plans = question
    # This process ends, and with it the shorter model.
    encoder = model.roberta.encoder
    encoder.layer = encoder.layer[:LAYERS]
    return measure_plans(plans, PackedEncoder(model, target, kernels))
