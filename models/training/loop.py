"""The optimisation of one phase: steps, evaluations, checkpoints, and resuming after a kill.

Hugging Face's Accelerate handles the device, mixed precision, gradient accumulation and several
processes. This module makes sure that a run that was killed ends with exactly the weights of an
undisturbed run: batches are planned before the first step, each step draws its noise from the seed
and its own number, and a checkpoint gets its name only when it is complete (``checkpoints.py``).
It stops at the first loss, gradient or weight that is no finite number.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.utils import set_seed
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from models.training.batch import Inputs
from models.training.checkpoints import Checkpoints, SavedStep
from models.training.errors import NotFiniteError
from models.training.network import Network, Weights
from models.training.progress import Evaluation, Progress
from models.training.recipe import Keep, RecipeError

_BETWEEN_SEEDS = 1_000_003
"""Keeps the noise of neighbouring seeds and steps apart."""


@dataclass(frozen=True)
class Schedule:
    """The numbers of one phase's optimisation."""

    seed: int
    learning_rate: float
    weight_decay: float
    clip_norm: float
    warmup_ratio: float
    accumulation: int
    evaluations: int
    keep: Keep


@dataclass(frozen=True)
class PhaseWork:
    """What a phase has to do."""

    batches: int
    inputs: Callable[[int], Inputs]
    """Makes the batch of that number."""
    task_of: Callable[[int], str]
    validate: Callable[[Network], Mapping[str, float]]
    flops: Callable[[Inputs], float]


@dataclass(frozen=True)
class PhaseOutcome:
    """A phase that is done."""

    weights: Weights
    progress: Progress
    chosen: Evaluation
    """The evaluation of the weights: the best, the last, or that of their mean."""
    last: Weights
    """Those after the last step, whatever was chosen: with them a choice is compared."""


OnStep = Callable[[Progress, int], None]
"""Told after every step how far the phase is, and of how many steps."""


class Loop:
    """Runs one phase in one folder."""

    def __init__(self, network: Network, schedule: Schedule, folder: Path, bf16: bool) -> None:
        # A step has one task, so the heads of the others get no gradient.
        unused = DistributedDataParallelKwargs(find_unused_parameters=True)
        self._accelerator = Accelerator(
            cpu=not torch.cuda.is_available(),
            mixed_precision="bf16" if bf16 else "no",
            kwargs_handlers=[unused],
        )
        self._schedule = schedule
        self._folder = folder
        self._checkpoints = Checkpoints(folder)
        self._network = network
        optimizer = torch.optim.AdamW(
            list(network.trained().values()),
            lr=schedule.learning_rate,
            weight_decay=schedule.weight_decay,
            fused=True,
        )
        self._model, self._optimizer = self._accelerator.prepare(network, optimizer)

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes."""
        return bool(self._accelerator.is_main_process)

    def run(self, work: PhaseWork, on_step: OnStep) -> PhaseOutcome:
        """Train to the end of the phase, from its last checkpoint where there is one.

        Raises:
            RecipeError: the checkpoint is of a run with another number of processes.
            NotFiniteError: training came to NaN or infinity; checkpoints and outputs hold none.
            TrainingError: a checkpoint cannot be written.
        """
        a_step = self._schedule.accumulation * self._accelerator.num_processes
        steps = -(-work.batches // a_step)
        rates = LambdaLR(self._optimizer.optimizer, _linear(steps, self._schedule.warmup_ratio))
        progress = self._resume(rates)
        if progress.steps not in (None, steps):
            raise RecipeError(
                f"{self._folder} has a run of {progress.steps} steps, but this run has {steps}; "
                "use the same data and as many processes, or remove the folder"
            )
        progress.steps = steps
        points = _points(steps, self._schedule.evaluations)
        clock = _Stopwatch()
        while progress.step < steps:
            self._step(work, progress, range(progress.step * a_step, work.batches)[:a_step])
            rates.step()
            progress.step += 1
            clock.add_to(progress)
            on_step(progress, steps)
            if progress.step in points:
                self._check_weights(progress)
                progress.evaluations.append(self._evaluate(work, progress.step))
                clock.add_to(progress)
                self._save(progress, rates)
        return self._outcome(work, progress)

    def _step(self, work: PhaseWork, progress: Progress, batches: Sequence[int]) -> None:
        accelerator = self._accelerator
        # Where the last step has too few batches, a process without one repeats the first.
        own = batches[accelerator.process_index :: accelerator.num_processes] or batches[:1]
        set_seed(self._noise(progress.step))
        self._network.train()
        for number in own:
            inputs = work.inputs(number)
            last = number == own[-1]
            with nullcontext() if last else accelerator.no_sync(self._model):
                with accelerator.autocast():
                    answer = self._model(inputs.to(accelerator.device))
                accelerator.backward(answer.loss / len(own))
            progress.tokens += inputs.stream.tokens * accelerator.num_processes
            progress.flops += work.flops(inputs) * accelerator.num_processes
        task = work.task_of(own[-1])
        loss = answer.loss.item()
        self._check("loss", loss, progress.step + 1, task)
        progress.losses.append((progress.step, task, round(loss, 4)))
        norm = accelerator.clip_grad_norm_(
            self._network.trained().values(), self._schedule.clip_norm
        )
        # Of batches before the last of a step, and of other processes, the gradient tells.
        self._check("gradient", float(norm), progress.step + 1, task)
        self._optimizer.step()
        self._optimizer.zero_grad()

    def _noise(self, step: int) -> int:
        """Return the seed for the dropout of a step; it differs between processes."""
        accelerator = self._accelerator
        count = self._schedule.seed * _BETWEEN_SEEDS + step
        return int(count * accelerator.num_processes + accelerator.process_index) % 2**32

    def _evaluate(self, work: PhaseWork, step: int) -> Evaluation:
        self._network.eval()
        with torch.inference_mode(), self._accelerator.autocast():
            accuracy = work.validate(self._network)
        return Evaluation(step, {name: round(value, 6) for name, value in accuracy.items()})

    def _check_weights(self, progress: Progress) -> None:
        """Look at what the steps since the last evaluation have made, before it is kept."""
        task = progress.losses[-1][1]
        for weight in self._network.trained().values():
            self._check("largest weight", _largest(weight), progress.step, task)

    def _check(self, what: str, value: float, step: int, task: str) -> None:
        if not math.isfinite(value):
            raise NotFiniteError(
                f"{self._folder}: the {what} is {value} at step {step}, task {task}, with "
                f"learning_rate {self._schedule.learning_rate:g}. Nothing of it is kept; lower the "
                "learning_rate, or raise warmup_ratio"
            )

    # Checkpoints ------------------------------------------------------------------------------

    def _save(self, progress: Progress, rates: LambdaLR) -> None:
        if self.is_main:
            trained = self._network.trained().items()
            weights = {name: weight.detach().cpu().contiguous() for name, weight in trained}
            state = {"optimizer": self._optimizer.state_dict(), "rates": rates.state_dict()}
            self._checkpoints.save(SavedStep(weights, progress, state))
        self._accelerator.wait_for_everyone()

    def _resume(self, rates: LambdaLR) -> Progress:
        saved = self._checkpoints.newest(self._accelerator.wait_for_everyone, self.is_main)
        if saved is None:
            return Progress()
        self._network.put(saved.weights)
        self._optimizer.load_state_dict(saved.state["optimizer"])
        rates.load_state_dict(saved.state["rates"])
        return saved.progress

    # The end ----------------------------------------------------------------------------------

    def _outcome(self, work: PhaseWork, progress: Progress) -> PhaseOutcome:
        keep = self._schedule.keep
        last = self._checkpoints.weights(progress.evaluations[-1].step)
        if keep is Keep.AVERAGE:
            weights = self._mean([each.step for each in progress.evaluations])
            self._network.put(weights)
            return PhaseOutcome(weights, progress, self._evaluate(work, progress.step), last)
        chosen = progress.evaluations[-1]
        if keep is Keep.BEST:
            chosen = max(progress.evaluations, key=lambda each: (each.mean, -each.step))
        return PhaseOutcome(self._checkpoints.weights(chosen.step), progress, chosen, last)

    def _mean(self, steps: Sequence[int]) -> Weights:
        """Average the weights of some checkpoints.

        Of an adapter its two factors are averaged, not their product; along one run with a
        falling learning rate the two are close.
        """
        first = self._checkpoints.weights(steps[0])
        total = {name: weight.double() for name, weight in first.items()}
        for step in steps[1:]:
            for name, weight in self._checkpoints.weights(step).items():
                total[name] += weight.double()
        return {name: (weight / len(steps)).float() for name, weight in total.items()}


def _largest(weight: Tensor) -> float:
    """Return the largest absolute value; a NaN counts as larger than any."""
    return float(weight.detach().abs().max())


def _points(steps: int, evaluations: int) -> set[int]:
    """Return after which steps to evaluate: at equal distances, the last step included."""
    return {max(1, round(steps * part / evaluations)) for part in range(1, evaluations + 1)}


def _linear(steps: int, warmup_ratio: float) -> Callable[[int], float]:
    """Return the share of the learning rate at a step: up linearly, then down to zero."""
    warmup = warmup_ratio * steps

    def share(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        return (steps - step) / max(1.0, steps - warmup)

    return share


class _Stopwatch:
    """Adds the time since it was last asked."""

    def __init__(self) -> None:
        self._last = _now()

    def add_to(self, progress: Progress) -> None:
        now = _now()
        progress.wall_seconds += now[0] - self._last[0]
        progress.cpu_seconds += now[1] - self._last[1]
        self._last = now


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()
