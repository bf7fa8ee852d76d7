"""What a template holds, made in this process: the same facts and answers as of the service's own.

``test_held.py`` asks real templates; here a fault is seen where it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import XLMRobertaForMultipleChoice

from app.engine.adapted import adapted_layers
from app.engine.compute import Compute
from app.engine.encoder import PackedEncoder
from app.engine.kernel_choice import Kernel
from app.engine.lanes import Lanes
from app.engine.memory import working_bytes
from app.engine.plan import EnginePlan
from app.engine.target import EXACT, Precision, Target, TargetChoice
from app.engine.threads import LanePlan
from app.errors import StartError
from app.weights import adapter_choice, held
from app.weights.checkpoint import Checkpoint, locate
from app.weights.choosing import ComputeChoice, name_shape
from app.weights.held import Held, OnCpu, OnDevices, hold, hold_here
from app.weights.job import AdapterSetting, Job
from app.weights.loading import load_model
from tests import tiny
from tests.oracle import PaddedOracle

ROWS = [(0, 9, 8, 7, 2), (0, 5, 2), (0, *range(5, 60), 2)]


@pytest.fixture(scope="module")
def checkpoints(tiny_direct: Path, tiny_stilts: Path) -> dict[str, Checkpoint]:
    sources = {"direct": tiny_direct, "stilts": tiny_stilts}
    return {name: locate(str(source), Path()) for name, source in sources.items()}


@pytest.fixture
def job(checkpoints: dict[str, Checkpoint], tmp_path: Path) -> Job:
    return Job(checkpoints, tmp_path, 1, "cpu", "fp32", "torch", 1)


@pytest.fixture(scope="module")
def here(
    checkpoints: dict[str, Checkpoint], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Held[Any]]:
    return hold_here(checkpoints, tmp_path_factory.mktemp("cache"), Compute(kernel="torch"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Have what is asked of another process answered in this one; threads are as before."""
    seen: list[str] = []

    def ask(question: Callable[[Any], Any], argument: Any) -> Any:
        seen.append(question.__name__)
        return question(argument)

    monkeypatch.setattr(held, "apart", ask)
    threads = torch.get_num_threads()
    yield seen
    torch.set_num_threads(threads)


# In the process of the service ----------------------------------------------------------------


def test_facts_are_those_of_the_model(here: dict[str, Held[Any]], tiny_direct: Path) -> None:
    model = XLMRobertaForMultipleChoice.from_pretrained(tiny_direct)
    config, facts = model.config, here["direct"].facts
    assert facts.parameters == sum(each.numel() for each in model.parameters())
    assert facts.max_tokens == config.max_position_embeddings - config.pad_token_id - 1
    assert facts.working_bytes == working_bytes(config, EXACT, facts.max_tokens)
    assert (facts.vocab_size, facts.bos_token_id, facts.eos_token_id) == (tiny.PIECES, 0, 2)
    assert facts.shape == name_shape(config)
    assert facts.revision != here["stilts"].facts.revision
    assert facts.kernels.otherwise == Kernel.TORCH


def test_each_lane_has_memory_of_its_own(
    checkpoints: dict[str, Checkpoint], here: dict[str, Held[Any]], tmp_path: Path
) -> None:
    lanes = hold_here(checkpoints, tmp_path, Compute(plan=LanePlan(2, 1), kernel="torch"))
    for name, each in lanes.items():
        assert isinstance(each.made, Lanes)
        assert isinstance(here[name].made, PackedEncoder)
        assert each.facts.working_bytes == 2 * here[name].facts.working_bytes
        assert each.made.logits(ROWS) == pytest.approx(here[name].made.logits(ROWS), abs=1e-5)


def test_lanes_are_for_processors(checkpoints: dict[str, Checkpoint], tmp_path: Path) -> None:
    meta = Target(torch.device("meta"))
    one = {"direct": checkpoints["direct"]}
    made = hold_here(one, tmp_path, Compute(meta, LanePlan(2, 1)))["direct"].made
    assert isinstance(made, PackedEncoder)
    assert made.word_table.device.type == "meta"


def test_equal_word_tables_are_in_memory_once(
    checkpoints: dict[str, Checkpoint], tmp_path: Path
) -> None:
    twice = {"direct": checkpoints["direct"], "stilts": checkpoints["direct"]}
    one, other = (each.made for each in hold_here(twice, tmp_path, Compute()).values())
    assert isinstance(one, PackedEncoder)
    assert isinstance(other, PackedEncoder)
    assert one.word_table is other.word_table


# In a template --------------------------------------------------------------------------------


def chosen(job: Job, plan: EnginePlan) -> ComputeChoice:
    """A choice that has been made."""
    made = ComputeChoice(job, EXACT, 0)
    made._chosen = plan
    return made


def test_a_template_holds_what_the_service_itself_would(
    asked: list[str], job: Job, here: dict[str, Held[Any]]
) -> None:
    weights = hold(job)
    assert isinstance(weights, OnCpu)
    assert asked == ["_choose"]
    assert torch.get_num_threads() == 1, "threads do not survive a fork"
    assert list(weights.about) == ["direct", "stilts"]
    assert weights.about == {name: each.facts for name, each in here.items()}
    assert (weights.plan.engines, weights.plan.threads) == (1, 1)
    for engine, own in zip(weights.engines(0), here.values(), strict=True):
        assert list(engine.logits(ROWS)) == pytest.approx(own.made.logits(ROWS), abs=1e-5)


def test_the_memory_of_passes_counts_one_for_each_engine(
    job: Job, here: dict[str, Held[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    choice = chosen(job, EnginePlan(3, 1))
    monkeypatch.setattr(choice, "plan", lambda _: EnginePlan(3, 1))
    weights = OnCpu(job, EXACT, choice)
    for name, facts in weights.about.items():
        assert facts.working_bytes == 3 * here[name].facts.working_bytes


@pytest.mark.parametrize("threads", [1, 2])
def test_an_engine_of_several_threads_takes_them_and_is_warm(
    asked: list[str], job: Job, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = hold(job)
    assert isinstance(weights, OnCpu)
    weights.plan = EnginePlan(1, threads)
    bound: list[tuple[EnginePlan, int]] = []
    warmed: list[bool] = []
    monkeypatch.setattr(held, "bind", lambda plan, number: bound.append((plan, number)))
    monkeypatch.setattr(PackedEncoder, "warm_up", lambda _: warmed.append(True))
    assert len(weights.engines(5)) == 2
    assert bound == [(weights.plan, 5)]
    assert torch.get_num_threads() == threads
    assert warmed == [True] * 2 * (threads - 1), "what one thread compiles, the template has"
    weights.warm_up()
    assert torch.get_num_threads() == 1
    assert warmed == [True] * 2 * threads


class Made:
    """Stands in for a model and for its encoder: notes where it went, and whether it is warm."""

    def __init__(self, *made_of: object) -> None:
        self.made_of = made_of
        self.warm = False

    def to(self, device: torch.device) -> tuple[Made, torch.device]:
        return self, device

    def warm_up(self) -> None:
        self.warm = True


def test_each_engine_takes_the_device_of_its_number_and_is_warm(
    job: Job, here: dict[str, Held[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    target = Target(torch.device("cuda"), Precision.BF16)
    weights = OnDevices(replace(job, checkpoints={}), target, chosen(job, EnginePlan(2, 1)))
    model, facts = Made(), here["direct"].facts
    monkeypatch.setattr(weights, "_held", {"direct": Held(facts, model)})
    monkeypatch.setattr(held, "PackedEncoder", Made)
    for number, index in ((0, 0), (1, 1), (2, 0)):
        [engine] = weights.engines(number)
        device = torch.device("cuda", index)
        assert isinstance(engine, Made)
        assert engine.made_of == ((model, device), Target(device, Precision.BF16), facts.kernels)
        assert engine.warm


def test_where_there_are_devices_each_engine_is_to_have_one(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Target(EXACT.device, Precision.FP32)
    monkeypatch.setattr(held, "apart", lambda *_: (TargetChoice(target, "two of them"), 2))
    threads = torch.get_num_threads()
    try:
        weights = hold(replace(job, engines="auto"))
    finally:
        torch.set_num_threads(threads)
    assert isinstance(weights, OnDevices)
    assert weights.plan.engines == 2


def test_on_a_processor_no_device_is_counted(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 7)
    choice, devices = held._choose(job)
    assert (choice.target, devices) == (EXACT, 0)


def test_a_kernel_that_the_target_lacks_is_refused_before_anything_is_loaded(
    asked: list[str], job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(kernel: str, target: Target) -> None:
        raise ValueError(f"{kernel} on {target.device}")

    monkeypatch.setattr(held, "check_kernel", refuse)
    with pytest.raises(ValueError, match="onednn on cpu"):
        hold(replace(job, kernel="onednn"))


def test_adapters_are_not_kept_apart_on_devices(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    found = TargetChoice(EXACT, "a device"), 1
    monkeypatch.setattr(held, "apart", lambda *_: found)
    with pytest.raises(StartError, match="XCOPA_ADAPTERS is apart, which shares a base in the"):
        hold(replace(job, adapters="apart"))


# Adapters -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checkpoint]:
    """Two of one base, and one of another base."""
    folder = tmp_path_factory.mktemp("adapters")
    bases = [tiny.headless(folder / f"base-{number}", seed=number) for number in (1, 2)]
    sources = {
        name: tiny.adapter(folder / name, bases[base], seed=seed)
        for name, base, seed in (("first", 0, 2), ("second", 0, 3), ("lone", 1, 4))
    }
    return {name: locate(str(source), Path()) for name, source in sources.items()}


@pytest.mark.parametrize(
    ("setting", "ratio", "states"),
    [
        ("auto", 1.1, ["apart", "apart", "merged"]),
        ("auto", 1.11, ["merged", "merged", "merged"]),
        ("apart", 9.0, ["apart", "apart", "apart"]),
        ("merged", 1.0, ["merged", "merged", "merged"]),
    ],
)
def test_adapters_of_one_base_stay_apart_where_that_takes_little_time(
    asked: list[str],
    job: Job,
    adapters: dict[str, Checkpoint],
    monkeypatch: pytest.MonkeyPatch,
    setting: AdapterSetting,
    ratio: float,
    states: list[str],
) -> None:
    monkeypatch.setattr(adapter_choice, "share_of_products", lambda _: 0.02)
    monkeypatch.setattr(ComputeChoice, "adapter_time", lambda *_: ratio)
    weights = hold(replace(job, checkpoints=adapters, adapters=setting))
    assert isinstance(weights, OnCpu)
    assert [each.adapter for each in weights.about.values()] == states
    for name, engine in zip(adapters, weights.engines(0), strict=True):
        expected = PaddedOracle(load_model(adapters[name])).logits(ROWS)
        assert list(engine.logits(ROWS)) == pytest.approx(expected, abs=1e-4)


def test_plans_were_measured_with_an_adapter_apart_that_was_merged_afterwards(
    asked: list[str],
    job: Job,
    adapters: dict[str, Checkpoint],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int] = []
    choose = ComputeChoice.plan

    def plan(choice: ComputeChoice, model: XLMRobertaForMultipleChoice) -> EnginePlan:
        seen.append(len(adapted_layers(model)))
        return choose(choice, model)

    monkeypatch.setattr(adapter_choice, "share_of_products", lambda _: 0.2)
    monkeypatch.setattr(ComputeChoice, "plan", plan)
    hold(replace(job, checkpoints=adapters))
    assert seen == [0, 0, 0]


def test_what_is_no_adapter_is_said_to_be_none(here: dict[str, Held[Any]]) -> None:
    assert [each.facts.adapter for each in here.values()] == ["none", "none"]


@pytest.mark.parametrize(("setting", "state"), [("auto", "merged"), ("apart", "apart")])
def test_in_the_process_of_the_service_nothing_is_measured(
    adapters: dict[str, Checkpoint], tmp_path: Path, setting: AdapterSetting, state: str
) -> None:
    found = hold_here(adapters, tmp_path, Compute(kernel="torch"), setting)
    assert {each.facts.adapter for each in found.values()} == {state}
