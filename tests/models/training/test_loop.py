"""The loop: when it evaluates, what it keeps, how the rate rises and falls."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from models.training.batch import Inputs, make_inputs
from models.training.errors import NotFiniteError
from models.training.example_tokenizer import Encoded
from models.training.loop import Loop, PhaseOutcome, PhaseWork, Schedule, _linear, _points
from models.training.network import Network
from models.training.progress import Progress
from models.training.recipe import Keep, RecipeError
from tests.models.training import one_of_several
from tests.models.training.networks import HEADS, LORA, recipe

BATCHES = 12
SCHEDULE = Schedule(
    seed=1,
    learning_rate=1e-2,
    weight_decay=0.0,
    clip_norm=1.0,
    warmup_ratio=0.1,
    accumulation=1,
    evaluations=4,
    keep=Keep.BEST,
)
ACCURACIES = (0.5, 0.7, 0.7, 0.6)


def inputs(number: int) -> Inputs:
    rows = ((0, 9, 8 + number, 2), (0, 7, 6, 5, 4, 2))
    return make_inputs("multiple-choice", [Encoded(rows, (number % 2,))], 1)


def work() -> PhaseWork:
    accuracies: Iterator[float] = iter((*ACCURACIES, 0.9))
    return PhaseWork(
        batches=BATCHES,
        inputs=inputs,
        task_of=lambda number: f"task {number % 3}",
        validate=lambda _: {"copa": next(accuracies)},
        flops=lambda _: 10.0,
    )


def run(base: Path, folder: Path, schedule: Schedule) -> tuple[PhaseOutcome, list[int]]:
    torch.manual_seed(1)
    folder.mkdir(exist_ok=True)
    reported: list[int] = []
    loop = Loop(Network(base, recipe(LORA), HEADS), schedule, folder, bf16=False)
    return loop.run(work(), lambda progress, _: reported.append(progress.step)), reported


def test_it_evaluates_at_equal_distances_and_counts_what_it_costs(
    base: Path, tmp_path: Path
) -> None:
    outcome, reported = run(base, tmp_path, SCHEDULE)
    progress = outcome.progress
    assert reported == list(range(1, BATCHES + 1))
    assert [each.step for each in progress.evaluations] == [3, 6, 9, 12]
    assert [task for _, task, _ in progress.losses] == [f"task {n % 3}" for n in range(BATCHES)]
    assert progress.tokens == BATCHES * 10
    assert progress.flops == BATCHES * 10.0
    assert Progress.read(tmp_path / "checkpoint-12" / "progress.json") == progress
    assert len(list(tmp_path.glob("checkpoint-*/state.pt"))) == 2, "the last two to resume"


def test_the_best_weights_are_those_of_the_earliest_best_evaluation(
    base: Path, tmp_path: Path
) -> None:
    outcome, _ = run(base, tmp_path, SCHEDULE)
    assert outcome.chosen.step == 6
    kept = load_file(tmp_path / "checkpoint-6" / "weights.safetensors")
    assert all(torch.equal(outcome.weights[name], weight) for name, weight in kept.items())


def test_the_last_weights_are_those_of_the_last_step(base: Path, tmp_path: Path) -> None:
    outcome, _ = run(base, tmp_path, replace(SCHEDULE, keep=Keep.LAST))
    assert (outcome.chosen.step, outcome.chosen.mean) == (12, 0.6)


def test_the_average_is_the_mean_over_all_evaluations_and_is_evaluated_itself(
    base: Path, tmp_path: Path
) -> None:
    outcome, _ = run(base, tmp_path, replace(SCHEDULE, keep=Keep.AVERAGE))
    assert outcome.chosen.mean == 0.9
    parts = [load_file(path) for path in tmp_path.glob("checkpoint-*/weights.safetensors")]
    assert len(parts) == 4
    for name, weight in outcome.weights.items():
        mean = torch.stack([part[name] for part in parts]).mean(0)
        torch.testing.assert_close(weight, mean, atol=1e-6, rtol=1e-5)


def test_accumulated_batches_make_one_step(base: Path, tmp_path: Path) -> None:
    outcome, _ = run(base, tmp_path, replace(SCHEDULE, accumulation=5, evaluations=1))
    assert outcome.progress.step == 3, "five, five and two batches"
    assert outcome.progress.tokens == BATCHES * 10


@pytest.mark.slow
def test_all_processes_of_a_run_come_to_the_same_weights(base: Path, tmp_path: Path) -> None:
    launch = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "3"),
        *("-m", one_of_several.__name__, str(base), str(tmp_path)),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(launch, env=environment, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-3000:]
    told = [path.read_text("utf-8").split() for path in tmp_path.glob("rank-*.txt")]
    assert len(told) == 3
    before, after = (set(each) for each in zip(*told, strict=True))
    assert len(before) == 3, "they began with heads of their own"
    assert len(after) == 1
    assert before.isdisjoint(after)


def test_a_checkpoint_that_a_kill_left_half_written_is_not_resumed(
    base: Path, tmp_path: Path
) -> None:
    (tmp_path / "saving").mkdir()
    (tmp_path / "saving" / "state.pt").write_bytes(b"half")
    outcome, _ = run(base, tmp_path, SCHEDULE)
    assert outcome.progress.step == BATCHES
    assert not (tmp_path / "saving").exists()


def test_a_checkpoint_of_another_number_of_steps_is_refused(base: Path, tmp_path: Path) -> None:
    run(base, tmp_path, SCHEDULE)
    with pytest.raises(RecipeError, match="a run of 12 steps, but this run has 6"):
        run(base, tmp_path, replace(SCHEDULE, accumulation=2))


def test_the_rate_rises_and_falls_linearly() -> None:
    share = _linear(steps=100, warmup_ratio=0.1)
    rates = [share(step) for step in range(100)]
    assert rates.index(max(rates)) == 10
    assert rates[10] == 1
    assert 0 < rates[0] < rates[5] < 1
    assert rates[99] == pytest.approx(1 / 90)
    assert _linear(steps=2, warmup_ratio=0)(0) == 1


@pytest.mark.parametrize(
    ("steps", "evaluations", "points"), [(12, 4, {3, 6, 9, 12}), (3, 8, {1, 2, 3}), (5, 1, {5})]
)
def test_points_end_with_the_last_step(steps: int, evaluations: int, points: set[int]) -> None:
    assert _points(steps, evaluations) == points


# What is no number --------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [1e12, 1e30])
def test_a_loss_that_is_no_number_stops_the_phase_with_step_task_and_rate(
    base: Path, tmp_path: Path, rate: float
) -> None:
    where = rf"step \d+, task task \d, with learning_rate {re.escape(f'{rate:g}')}"
    complaint = f"the loss is (inf|nan) at {where}"
    with pytest.raises(NotFiniteError, match=complaint):
        run(base, tmp_path, replace(SCHEDULE, learning_rate=rate, evaluations=1))
    assert not list(tmp_path.glob("checkpoint-*"))


def test_weights_that_a_finite_loss_ruined_are_not_kept(base: Path, tmp_path: Path) -> None:
    """The loss of a step is that of the weights before it."""
    with pytest.raises(NotFiniteError, match=r"the largest weight is (inf|nan) at step 1,"):
        run(base, tmp_path, replace(SCHEDULE, learning_rate=float("inf"), evaluations=BATCHES))
    assert not list(tmp_path.glob("checkpoint-*"))


def test_a_gradient_that_is_no_number_changes_no_weight(base: Path, tmp_path: Path) -> None:
    network = Network(base, recipe(LORA), HEADS)
    name, weight = next(iter(network.trained().items()))
    weight.register_hook(lambda gradient: gradient * float("nan"))  # type: ignore[no-untyped-call]
    before = {each: value.clone() for each, value in network.trained().items()}
    with pytest.raises(NotFiniteError, match="the gradient is nan at step 1, task task 0"):
        Loop(network, SCHEDULE, tmp_path, bf16=False).run(work(), lambda *_: None)
    after = network.trained()
    assert name in before
    assert all(torch.equal(after[each], value) for each, value in before.items())


# Checkpoints that are damaged ---------------------------------------------------------------


def damage(folder: Path, step: int, name: str) -> None:
    path = folder / f"checkpoint-{step}" / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("name", ["state.pt", "weights.safetensors", "progress.json"])
def test_a_torn_checkpoint_gives_way_to_the_one_before_and_the_end_is_the_same(
    base: Path, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    undisturbed, _ = run(base, tmp_path, replace(SCHEDULE, keep=Keep.LAST))
    damage(tmp_path, 12, name)
    resumed, steps = run(base, tmp_path, replace(SCHEDULE, keep=Keep.LAST))
    assert steps == [10, 11, 12]
    assert "checkpoint-12 is damaged; training goes on from step 9" in caplog.text
    assert resumed.progress.losses == undisturbed.progress.losses
    for each, weight in undisturbed.weights.items():
        assert torch.equal(resumed.weights[each], weight)
