"""Kernels are measured as they will be run: in their numbers, with what follows, in all lanes."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest
import torch

from app.engine import kernels
from app.engine.kernel_choice import Kernel, Product, Then
from app.engine.kernels import TOKENS, choose_kernels, measure
from app.engine.linear import Activation, Linear
from app.engine.target import CPU, Precision, Target
from app.engine.threads import LanePlan
from tests import tiny

BF16 = Target(CPU, Precision.BF16)
TORCH = (Kernel.TORCH,)


@dataclass(frozen=True)
class Layer:
    """A layer that was made to be measured."""

    weight: torch.dtype
    activation: Activation | None


@dataclass(frozen=True)
class Run:
    """One of its runs."""

    tokens: int
    x: torch.dtype
    residual: torch.dtype | None
    thread: str


class Recorder:
    """Stands in for the making of layers, and records them and their runs."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.runs: list[Run] = []

    def make(
        self,
        weight: torch.Tensor,
        bias: torch.Tensor,
        activation: Activation | None,
        kernel: Kernel,
    ) -> Linear:
        self.layers.append(Layer(weight.dtype, activation))
        return self.run

    def run(self, x: torch.Tensor, residual: torch.Tensor | None = None) -> torch.Tensor:
        dtype = None if residual is None else residual.dtype
        self.runs.append(Run(len(x), x.dtype, dtype, threading.current_thread().name))
        return x


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder()
    monkeypatch.setattr(kernels, "make_linear", made.make)
    return made


def test_a_product_is_measured_with_the_weights_in_its_numbers(recorder: Recorder) -> None:
    measure([Product(8, 8, Then.NOTHING)], TORCH, torch.bfloat16, LanePlan(1, 1))
    assert {layer.weight for layer in recorder.layers} == {torch.bfloat16}
    assert {(run.x, run.residual) for run in recorder.runs} == {(torch.float32, None)}


def test_where_a_sum_follows_the_input_is_in_its_numbers_and_the_stream_in_fp32(
    recorder: Recorder,
) -> None:
    measure([Product(8, 8, Then.SUM)], TORCH, torch.bfloat16, LanePlan(1, 1))
    assert {(run.x, run.residual) for run in recorder.runs} == {(torch.bfloat16, torch.float32)}


@pytest.mark.parametrize("then", Then)
def test_what_follows_is_part_of_it(recorder: Recorder, then: Then) -> None:
    measure([Product(8, 8, then)], TORCH, torch.float32, LanePlan(1, 1))
    wanted = {Then.GELU: torch.nn.functional.gelu, Then.OTHER: torch.relu}.get(then)
    assert {layer.activation for layer in recorder.layers} == {wanted}


def test_every_lane_runs_each_as_often(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    monkeypatch.setattr(kernels, "use_threads", threads.append)
    measure([Product(8, 8, Then.NOTHING)], TORCH, torch.float32, LanePlan(3, 2))
    assert threads == [2, 2, 2]
    lanes = [run.thread for run in recorder.runs if run.thread.startswith("xcopa-measure")]
    assert len(set(lanes)) == 3
    assert {lanes.count(lane) for lane in lanes} == {len(TOKENS) * kernels.ROUNDS}


def test_a_choice_is_measured_for_the_targets_numbers_and_the_plan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[torch.dtype, LanePlan]] = []
    able: list[torch.dtype] = []

    def for_numbers(device: torch.device, dtype: torch.dtype) -> tuple[Kernel, ...]:
        able.append(dtype)
        return (Kernel.TORCH, Kernel.TORCH_TRANSPOSED)

    def fake(
        products: list[Product], able: tuple[Kernel, ...], dtype: torch.dtype, plan: LanePlan
    ) -> dict[Product, dict[Kernel, float]]:
        asked.append((dtype, plan))
        return {product: dict.fromkeys(able, 1.0) for product in products}

    monkeypatch.setattr(kernels, "kernels_for", for_numbers)
    monkeypatch.setattr(kernels, "measure", fake)
    choose_kernels(tiny.config(), BF16, LanePlan(2, 3))
    assert asked == [(torch.bfloat16, LanePlan(2, 3))]
    assert able[0] is torch.bfloat16
    kernels.check_kernel("torch", BF16)
    assert able[-1] is torch.bfloat16


def test_seconds_of_a_product_are_not_those_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Product(8, 8, Then.NOTHING), Product(8, 16, Then.NOTHING)
    now = 0.0

    def make(
        weight: torch.Tensor, bias: torch.Tensor, activation: object, kernel: Kernel
    ) -> Linear:
        seconds = 1e-6 * len(weight)

        def run(x: torch.Tensor, residual: torch.Tensor | None = None) -> torch.Tensor:
            nonlocal now
            now += seconds * len(x)
            return x

        return run

    monkeypatch.setattr(kernels, "make_linear", make)
    found = measure([one, other], TORCH, torch.float32, LanePlan(1, 1), lambda: now)
    assert found[one][Kernel.TORCH] == pytest.approx(8e-6)
    assert found[other][Kernel.TORCH] == pytest.approx(16e-6)
