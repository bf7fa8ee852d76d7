"""Device, precision and threads of the forward passes in this process."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch

from app.engine.plan import IN_PROCESS, EnginePlan, EnginesSetting, plan_engines
from app.engine.target import EXACT, DeviceSetting, PrecisionSetting, Target, choose_target
from app.engine.threads import ONE_LANE, LanePlan, choose_threads
from app.process import use_threads

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Compute:
    """Device and number format of a forward pass, and how a CPU's threads share a batch."""

    target: Target = EXACT
    plan: LanePlan = ONE_LANE
    engines: EnginePlan | None = None
    """The processes that compute; None when this one does."""


def set_up(
    threads: int | None = None,
    device: DeviceSetting = "cpu",
    precision: PrecisionSetting = "fp32",
    *,
    lanes: bool = True,
    engines: EnginesSetting = IN_PROCESS,
) -> Compute:
    """Choose how to compute, tell torch its number of threads, and log the reasons.

    Args:
        threads: of a forward pass; None takes the CPU quota.
        device, precision: what ``choose_target`` takes.
        lanes: whether each thread may take rows of its own (see ``LanePlan``). Without, all
            threads work on every product: for whoever loads one model after the other, since the
            threads of lanes would keep a model in memory.
        engines: see ``plan_engines``; by default this process computes.

    Raises:
        StartError: the machine lacks what is asked for.
    """
    choice = choose_threads(threads)
    plan = LanePlan.of(choice.threads) if lanes else LanePlan(1, choice.threads)
    computing = choose_target(device, precision)
    processes = plan_engines(engines, choice.threads, _devices(computing.target))
    use_threads(plan.threads_a_lane)
    shared = (
        f"in {plan.lanes} lanes"
        if processes is None
        else f"in {processes.engines} processes of {processes.threads}"
    )
    log.info("a forward pass uses %d threads, %s: %s", choice.threads, shared, choice.reason)
    log.info("the models compute on %s", computing.reason)
    return Compute(computing.target, plan, processes)


def _devices(target: Target) -> int:
    return 0 if target.device.type == "cpu" else torch.cuda.device_count()
