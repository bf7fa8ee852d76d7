"""Chooses the kernel of each linear layer by measuring them here, as they will be run.

Which library's product is fastest, and whether it pays to fuse what follows it, differs from
processor to processor (``docs/decisions/0033-kernels-by-measurement.md``).
"""

from __future__ import annotations

import logging
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional
from transformers import XLMRobertaConfig

from app.engine.kernel_choice import Kernel, KernelChoice, Kernels, Product, Seconds, Then
from app.engine.kernel_record import KernelRecord
from app.engine.linear import Activation, Linear, kernels_for, make_linear
from app.engine.target import Target
from app.engine.threads import LanePlan
from app.errors import StartError
from app.process import use_threads

log = logging.getLogger(__name__)

KernelSetting = Literal["auto", "torch", "torch-transposed", "onednn", "onednn-fused"]

TOKENS = (32, 128, 256)
"""Tokens of the batches that are measured: what a lane has of a lone item, and of full batches."""
ROUNDS = 9
BUDGET_S = 2.0
"""After so many seconds no further round begins."""


def unmeasured(target: Target) -> Kernels:
    """Return what is taken where nothing is measured."""
    return Kernels(otherwise=kernels_for(target.device, torch.float32)[0])


def products_of(config: XLMRobertaConfig) -> tuple[Product, ...]:
    """Return the products of a layer: query, key and value; output; the two of the feed-forward."""
    hidden, inner = config.hidden_size, config.intermediate_size
    return (
        Product(hidden, 3 * hidden, Then.NOTHING),
        Product(hidden, hidden, Then.SUM),
        Product(hidden, inner, then_of(config.hidden_act)),
        Product(inner, hidden, Then.SUM),
    )


def then_of(activation: str) -> Then:
    """Return what follows the widening layer, by the configuration's name of it."""
    return Then.GELU if activation == "gelu" else Then.OTHER


def check_kernel(setting: KernelSetting, target: Target) -> None:
    """Refuse a kernel that cannot compute on a target.

    Raises:
        StartError: the setting names one.
    """
    able = kernels_for(target.device, target.dtype)
    if setting not in ("auto", *able):
        raise StartError(
            f"XCOPA_LINEAR_KERNEL is {setting}, which cannot compute here: set it to auto or to "
            f"one of {', '.join(able)}"
        )


def choose_kernels(
    config: XLMRobertaConfig,
    target: Target,
    plan: LanePlan,
    setting: KernelSetting | None = "auto",
    record: KernelRecord | None = None,
) -> Kernels:
    """Return the fastest kernel for each product of a model, or the one that the setting names.

    Args:
        config: of the model.
        target: where it computes, and in which numbers.
        plan: how many lanes compute at the same time, and with how many threads.
        setting: a kernel that ``check_kernel`` takes, or ``auto`` to measure; None does neither.
        record: what was measured before; None measures anew and keeps nothing.
    """
    if setting is None:
        return unmeasured(target)
    if setting != "auto":
        return Kernels(otherwise=Kernel(setting))
    able = kernels_for(target.device, target.dtype)
    if len(able) == 1:
        return Kernels(otherwise=able[0])
    products = products_of(config)
    measured = _measured(products, able, target.dtype, plan, record or KernelRecord())
    choices = tuple(KernelChoice.of(each, measured[each], able[0]) for each in products)
    for choice in choices:
        log.info(
            "%s: %s, %.2f times as fast as %s", choice.product, choice.kernel, choice.gain, able[0]
        )
    return Kernels(choices, unmeasured(target).otherwise)


def _measured(
    products: Sequence[Product],
    able: Sequence[Kernel],
    dtype: torch.dtype,
    plan: LanePlan,
    record: KernelRecord,
) -> dict[Product, Seconds]:
    known = {product: record.find(str(product)) for product in products}
    missing = [product for product, seconds in known.items() if set(seconds) != set(able)]
    if not missing:
        log.info("the kernels were measured before")
        return known
    found = measure(missing, able, dtype, plan)
    record.keep({str(product): seconds for product, seconds in found.items()})
    return known | found


def measure(
    products: Sequence[Product],
    kernels: Sequence[Kernel],
    dtype: torch.dtype,
    plan: LanePlan,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[Product, Seconds]:
    """Return, by product and kernel, seconds a token of one lane while all lanes are busy.

    Every lane runs the same kernel at the same time, as in a service with a full queue. The
    kernels take turns, so that what else the machine does falls on all of them.
    """
    trials = [
        _Trial(product, kernel, _layer(product, kernel, dtype), *_streams(product, tokens, dtype))
        for product in products
        for tokens in TOKENS
        for kernel in kernels
    ]
    for trial in trials:
        trial.run()  # oneDNN compiles a kernel for each shape
    rounds = _Rounds(plan.lanes, clock)
    with ThreadPoolExecutor(
        plan.lanes, "xcopa-measure", use_threads, (plan.threads_a_lane,)
    ) as pool:
        lanes = [pool.submit(rounds.run, trials) for _ in range(plan.lanes)]
        times = [own for lane in lanes for own in lane.result()]
    medians = [statistics.median(own) for own in zip(*times, strict=True)]
    return {product: _a_token(product, trials, medians) for product in products}


def _a_token(
    product: Product, trials: Sequence[_Trial], seconds: Sequence[float]
) -> dict[Kernel, float]:
    sums: dict[Kernel, float] = {}
    for trial, taken in zip(trials, seconds, strict=True):
        if trial.product == product:
            sums[trial.kernel] = sums.get(trial.kernel, 0.0) + taken
    return {kernel: total / sum(TOKENS) for kernel, total in sums.items()}


@dataclass(frozen=True)
class _Trial:
    product: Product
    kernel: Kernel
    linear: Linear
    x: Tensor
    residual: Tensor | None

    @torch.inference_mode()
    def run(self) -> None:
        self.linear(self.x, self.residual)


class _Rounds:
    """The same trials in every lane at the same time, until there are enough or time is up."""

    def __init__(self, lanes: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._give_up = clock() + BUDGET_S
        self._done = 0
        self._together = threading.Barrier(lanes)
        self._between = threading.Barrier(lanes, self._count)

    def run(self, trials: Sequence[_Trial]) -> list[list[float]]:
        """Return the seconds of each trial, round by round."""
        rounds = []
        try:
            while not self._enough():
                rounds.append([self._time(trial) for trial in trials])
                self._between.wait()
        except BaseException:
            self._together.abort()
            self._between.abort()
            raise
        return rounds

    def _time(self, trial: _Trial) -> float:
        self._together.wait()
        start = self._clock()
        trial.run()
        return self._clock() - start

    def _count(self) -> None:
        self._done += 1

    def _enough(self) -> bool:
        return self._done >= ROUNDS or (self._done > 0 and self._clock() > self._give_up)


def _layer(product: Product, kernel: Kernel, dtype: torch.dtype) -> Linear:
    weight = torch.rand(product.outputs, product.inputs).to(dtype)
    return make_linear(weight, torch.rand(product.outputs), _activation(product), kernel)


def _activation(product: Product) -> Activation | None:
    activations: dict[Then, Activation] = {Then.GELU: functional.gelu, Then.OTHER: torch.relu}
    return activations.get(product.then)


def _streams(product: Product, tokens: int, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
    """Return an input and, where one is added, a residual; the stream between layers is fp32."""
    x = torch.rand(tokens, product.inputs)
    if product.then is Then.SUM:
        return x.to(dtype), torch.rand(tokens, product.outputs)
    return x, None
