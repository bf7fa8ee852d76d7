"""Device, precision and threads of the forward passes in this process."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from app.engine.kernels import KernelSetting, check_kernel
from app.engine.target import EXACT, DeviceSetting, PrecisionSetting, Target, choose_target
from app.engine.threads import ONE_LANE, LanePlan, choose_threads
from app.process import use_threads

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Compute:
    """Device and numbers of a forward pass, and how a CPU's threads and kernels compute it."""

    target: Target = EXACT
    plan: LanePlan = ONE_LANE
    kernel: KernelSetting | None = None
    """See ``choose_kernels``; None takes those that need no measurement."""


def set_up(
    threads: int | None = None,
    device: DeviceSetting = "cpu",
    precision: PrecisionSetting = "fp32",
    kernel: KernelSetting = "auto",
    *,
    lanes: bool = True,
) -> Compute:
    """Choose how to compute, tell torch its number of threads, and log the reasons.

    Args:
        threads: of a forward pass; None takes the CPU quota.
        device, precision: what ``choose_target`` takes.
        kernel: what computes the linear layers of each model, or ``auto`` to measure.
        lanes: whether each thread may take rows of its own (see ``LanePlan``). Without, all
            threads work on every product: for whoever loads one model after the other, since the
            threads of lanes would keep a model in memory.

    Raises:
        StartError: the machine lacks what is asked for.
    """
    choice = choose_threads(threads)
    plan = LanePlan.of(choice.threads) if lanes else LanePlan(1, choice.threads)
    computing = choose_target(device, precision)
    check_kernel(kernel, computing.target)
    use_threads(plan.threads_a_lane)
    log.info(
        "a forward pass uses %d threads, in %d lanes: %s", choice.threads, plan.lanes, choice.reason
    )
    log.info("the models compute on %s", computing.reason)
    return Compute(computing.target, plan, kernel)
