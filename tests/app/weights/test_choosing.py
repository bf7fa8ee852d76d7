"""Which plan and which kernels: what is measured, when, and how often."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import XLMRobertaForMultipleChoice

from app.engine.adapted import AdaptedLinear
from app.engine.kernel_choice import Kernels
from app.engine.plan import EnginePlan, MeasuredPlan
from app.engine.processes.apart import NoAnswerError
from app.engine.target import EXACT
from app.weights import choosing
from app.weights.choosing import LAYERS, ComputeChoice
from app.weights.job import Job
from tests import tiny

RULE, RIVAL = EnginePlan(2, 1), EnginePlan(1, 2)


class Elsewhere:
    """Stands in for the processes that measure, and notes what they are asked."""

    def __init__(self) -> None:
        self.kernels: list[str] = []
        self.plans: list[tuple[str, ...]] = []
        self.rates = {str(RULE): 800.0, str(RIVAL): 1_000.0}
        self.answers = True
        self.timed: list[str] = []

    def ask(self, question: Callable[[Any], Any], argument: Any) -> Any:
        if question is choosing._choose_kernels:
            _, _, plan, config = argument
            self.kernels.append(f"{plan.lanes} x {plan.threads_a_lane}, {config.intermediate_size}")
            return Kernels()
        if question is choosing._time_adapter:
            model, *_, threads = argument
            self.timed.append(f"{len(model.roberta.encoder.layer)} layers, {threads} threads")
            return self._answer(1.04)
        assert question is choosing._measure
        plans = argument[-1]
        self.plans.append(tuple(map(str, plans)))
        return self._answer(
            tuple(MeasuredPlan(p.engines, p.threads, self.rates[str(p)], 0.5) for p in plans)
        )

    def _answer(self, answer: Any) -> Any:
        if not self.answers:
            raise NoAnswerError("it ended")
        return answer


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    made = Elsewhere()
    monkeypatch.setattr(choosing, "apart", made.ask)
    return made


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job({}, tmp_path / "cache", 2, "cpu", "fp32", "auto", "auto")


@pytest.fixture(scope="module")
def model() -> XLMRobertaForMultipleChoice:
    return tiny.drawn_multiple_choice(1)


def choice(job: Job, devices: int = 0) -> ComputeChoice:
    return ComputeChoice(job, EXACT, devices)


def test_the_fastest_plan_is_taken_with_the_kernels_that_are_fastest_for_it(
    elsewhere: Elsewhere, job: Job, model: XLMRobertaForMultipleChoice
) -> None:
    made = choice(job)
    plan = made.plan(model)
    made.kernels(model.config, plan)
    assert plan == made.chosen == RIVAL
    assert plan.gain == 1.25
    assert elsewhere.plans == [(str(RULE), str(RIVAL))]
    inner = model.config.intermediate_size
    assert elsewhere.kernels == [f"2 x 1, {inner}", f"1 x 2, {inner}"]


def test_the_first_model_decides_and_equal_layers_are_measured_once(
    elsewhere: Elsewhere, job: Job, model: XLMRobertaForMultipleChoice
) -> None:
    """Also where nothing can be kept: a directory that cannot be written costs one measurement."""
    job.cache_dir.write_text("")
    elsewhere.rates[str(RULE)] = 2_000.0
    made = choice(job)
    other = tiny.drawn_multiple_choice(2, intermediate_size=64)
    for each in (model, other, model):
        made.kernels(each.config, made.plan(each))
    assert len(elsewhere.plans) == 1
    assert elsewhere.kernels == ["2 x 1, 48", "2 x 1, 64"]


def test_the_next_start_measures_no_plan(
    elsewhere: Elsewhere,
    job: Job,
    model: XLMRobertaForMultipleChoice,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    first = choice(job).plan(model)
    again = choice(job).plan(model)
    assert again == first
    assert (again.measured, again.gain) == (first.measured, first.gain)
    assert len(elsewhere.plans) == 1
    assert "the engines were measured before" in caplog.messages


@pytest.mark.parametrize("change", [{"kernel": "torch"}, {"threads": 3}], ids=["kernel", "threads"])
def test_another_setup_is_measured(
    elsewhere: Elsewhere, job: Job, model: XLMRobertaForMultipleChoice, change: dict[str, Any]
) -> None:
    elsewhere.rates |= {"3 x 1": 1.0, "1 x 3": 1.0}
    choice(job).plan(model)
    choice(replace(job, **change)).plan(model)
    assert len(elsewhere.plans) == 2


def test_another_shape_is_measured(
    elsewhere: Elsewhere, job: Job, model: XLMRobertaForMultipleChoice
) -> None:
    choice(job).plan(model)
    choice(job).plan(tiny.drawn_multiple_choice(1, num_hidden_layers=3))
    assert len(elsewhere.plans) == 2


@pytest.mark.parametrize(
    ("change", "devices", "plan"),
    [
        ({"engines": 3}, 0, EnginePlan(3, 1)),
        ({"threads": 1}, 0, EnginePlan(1, 1)),
        ({}, 2, EnginePlan(2, 1)),
    ],
    ids=["set", "one thread", "devices"],
)
def test_where_there_is_nothing_to_choose_nothing_is_measured(
    elsewhere: Elsewhere,
    job: Job,
    model: XLMRobertaForMultipleChoice,
    change: dict[str, Any],
    devices: int,
    plan: EnginePlan,
) -> None:
    made = choice(replace(job, **change), devices)
    assert made.plan(model) == plan
    assert (elsewhere.plans, elsewhere.kernels) == ([], [])


def test_plans_that_memory_has_no_room_for_are_not_measured(
    elsewhere: Elsewhere,
    job: Job,
    model: XLMRobertaForMultipleChoice,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    elsewhere.rates |= dict.fromkeys(["8 x 2", "2 x 8", "1 x 16"], 1.0)
    monkeypatch.setattr(choosing, "working_bytes", lambda *_: 100)
    monkeypatch.setattr(choosing, "free_memory", lambda: 500)
    choice(replace(job, threads=16)).plan(model)
    assert elsewhere.plans == [("8 x 2", "2 x 8", "1 x 16")]


def test_where_nobody_knows_of_memory_all_plans_are_measured(
    elsewhere: Elsewhere,
    job: Job,
    model: XLMRobertaForMultipleChoice,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choosing, "free_memory", lambda: None)
    choice(job).plan(model)
    assert elsewhere.plans == [(str(RULE), str(RIVAL))]


def test_a_measurement_that_ends_without_an_answer_does_not_stop_the_start(
    elsewhere: Elsewhere,
    job: Job,
    model: XLMRobertaForMultipleChoice,
    caplog: pytest.LogCaptureFixture,
) -> None:
    elsewhere.answers = False
    plan = choice(job).plan(model)
    assert (plan, plan.measured) == (RULE, ())
    assert "nothing is known of the best number of engines: it ended" in caplog.messages


def test_it_is_said_which_and_by_how_much(
    elsewhere: Elsewhere,
    job: Job,
    model: XLMRobertaForMultipleChoice,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    choice(job).plan(model)
    assert caplog.messages[-3:] == [
        "engines x threads 2 x 1: 800 tokens a second through 2 layers, a lone item in 500.0 ms",
        "engines x threads 1 x 2: 1000 tokens a second through 2 layers, a lone item in 500.0 ms",
        "1 engines run the models, with 2 threads each; 1.25 times as many tokens a second as "
        "without measuring",
    ]


def time_of_adapter(job: Job, rank: int = 3) -> float:
    model = tiny.drawn_multiple_choice(1)
    own = model.roberta.encoder.layer[0].attention.self
    down, up = torch.ones(rank, own.query.in_features), torch.ones(own.query.out_features, rank)
    own.query = AdaptedLinear(own.query, down, up, 1.0)
    made = choice(job)
    made.plan(model)
    return made.adapter_time(model, Kernels())


def test_an_adapter_is_timed_once_a_machine_and_rank(elsewhere: Elsewhere, job: Job) -> None:
    """With the threads of the plan that was chosen."""
    assert time_of_adapter(job) == time_of_adapter(job) == 1.04
    assert elsewhere.timed == ["2 layers, 2 threads"]
    time_of_adapter(job, rank=4)
    time_of_adapter(replace(job, threads=1), rank=4)
    assert elsewhere.timed[1:] == ["2 layers, 2 threads", "2 layers, 1 threads"]


def test_an_adapter_whose_time_cannot_be_measured_is_not_kept_apart(
    elsewhere: Elsewhere, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere.answers = False
    assert time_of_adapter(job) == math.inf
    said = "nothing is known of the time that an adapter takes apart: it ended"
    assert said in caplog.messages
    elsewhere.answers = True
    assert time_of_adapter(job) == 1.04


def test_no_more_than_a_few_layers_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []
    monkeypatch.setattr(
        choosing, "measure_plans", lambda _, encoder: measured.append(1 + len(encoder._layers))
    )
    for layers in (LAYERS - 1, LAYERS + 2):
        model = tiny.drawn_multiple_choice(1, num_hidden_layers=layers)
        choosing._measure((model, EXACT, Kernels(), [RULE]))
    assert measured == [LAYERS - 1, LAYERS]
