"""Which kernel is taken: the fastest that was measured, the one that is set, or the only one."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from app.engine import kernels
from app.engine.encoder import PackedEncoder
from app.engine.kernel_choice import Kernel, KernelChoice, Kernels, Product, Then
from app.engine.kernel_record import KernelRecord
from app.engine.kernels import (
    TOKENS,
    check_kernel,
    choose_kernels,
    measure,
    products_of,
)
from app.engine.linear import Linear, kernels_for
from app.engine.target import CPU, EXACT, Target
from app.engine.threads import ONE_LANE, LanePlan
from app.errors import StartError
from tests import tiny

CONFIG = tiny.config()
QKV, OUT, UP, DOWN = products_of(CONFIG)
HERE = kernels_for(CPU, torch.float32)


class Clock:
    """Time that passes only where a kernel takes it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Slow:
    """A linear layer that takes so many seconds a token of a clock."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock, self.seconds, self.calls = clock, seconds, 0

    def __call__(self, x: torch.Tensor, residual: torch.Tensor | None = None) -> torch.Tensor:
        self.calls += 1
        self.clock.now += self.seconds * len(x)
        return x if residual is None else residual


def layers_taking(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, seconds: Mapping[Kernel, float]
) -> list[Slow]:
    made = []

    def make(
        weight: torch.Tensor, bias: torch.Tensor, activation: object, kernel: Kernel
    ) -> Linear:
        made.append(Slow(clock, seconds[kernel]))
        return made[-1]

    monkeypatch.setattr(kernels, "make_linear", make)
    return made


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Product, ...]]:
    """Stands in for the measuring, and records what was to be measured."""
    asked: list[tuple[Product, ...]] = []

    def fake(
        products: list[Product], able: tuple[Kernel, ...], dtype: torch.dtype, plan: LanePlan
    ) -> dict[Product, dict[Kernel, float]]:
        asked.append(tuple(products))
        # Each product has another winner.
        turns = itertools.cycle(range(len(able)))
        return {
            product: {kernel: 2.0 if at != turn else 1.0 for at, kernel in enumerate(able)}
            for product, turn in zip(products, turns, strict=False)
        }

    monkeypatch.setattr(kernels, "measure", fake)
    return asked


def test_a_layer_has_four_products_and_they_differ_in_what_follows() -> None:
    assert products_of(tiny.config(hidden_size=8, intermediate_size=32)) == (
        Product(8, 24, Then.NOTHING),
        Product(8, 8, Then.SUM),
        Product(8, 32, Then.GELU),
        Product(32, 8, Then.SUM),
    )
    assert products_of(tiny.config(hidden_act="relu"))[2].then is Then.OTHER


def test_the_fastest_is_taken_for_each_product(measured: list[tuple[Product, ...]]) -> None:
    chosen = choose_kernels(CONFIG, EXACT, ONE_LANE)
    assert measured == [(QKV, OUT, UP, DOWN)]
    turns = itertools.cycle(HERE)
    expected = [next(turns) for _ in range(4)]
    assert [chosen.of(product) for product in (QKV, OUT, UP, DOWN)] == expected
    assert chosen.of(Product(1, 1, Then.NOTHING)) is HERE[0]


def test_it_is_said_which_and_by_how_much(
    measured: list[tuple[Product, ...]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    chosen = choose_kernels(CONFIG, EXACT, ONE_LANE)
    assert [choice.gain for choice in chosen.choices][:2] == [1.0, 2.0]
    assert (
        f"{OUT.inputs} to {OUT.outputs}, then sum: {HERE[1]}, 2.00 times as fast as {HERE[0]}"
        in caplog.messages
    )


def test_the_next_start_measures_nothing(
    measured: list[tuple[Product, ...]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    first = choose_kernels(CONFIG, EXACT, ONE_LANE, "auto", KernelRecord("here", tmp_path))
    again = choose_kernels(CONFIG, EXACT, ONE_LANE, "auto", KernelRecord("here", tmp_path))
    assert again == first
    gains = [choice.gain for choice in first.choices]
    assert [choice.gain for choice in again.choices] == gains, "a file is sorted by name"
    assert len(measured) == 1
    assert caplog.messages.count("the kernels were measured before") == 1


def test_another_machine_and_another_shape_are_measured(
    measured: list[tuple[Product, ...]], tmp_path: Path
) -> None:
    choose_kernels(CONFIG, EXACT, ONE_LANE, "auto", KernelRecord("here", tmp_path))
    choose_kernels(CONFIG, EXACT, ONE_LANE, "auto", KernelRecord("there", tmp_path))
    wider = tiny.config(intermediate_size=2 * CONFIG.intermediate_size)
    choose_kernels(wider, EXACT, ONE_LANE, "auto", KernelRecord("here", tmp_path))
    assert [len(each) for each in measured] == [4, 4, 2]


def test_a_kernel_that_is_new_is_measured(
    measured: list[tuple[Product, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = KernelRecord()
    torchs = (Kernel.TORCH, Kernel.TORCH_TRANSPOSED)
    monkeypatch.setattr(kernels, "kernels_for", lambda *_: torchs)
    choose_kernels(CONFIG, EXACT, ONE_LANE, record=record)
    monkeypatch.setattr(kernels, "kernels_for", lambda *_: tuple(Kernel))
    choose_kernels(CONFIG, EXACT, ONE_LANE, record=record)
    assert len(measured) == 2


def test_without_a_setting_nothing_is_measured(measured: list[tuple[Product, ...]]) -> None:
    assert choose_kernels(CONFIG, EXACT, ONE_LANE, None) == Kernels(otherwise=HERE[0])
    assert measured == []


@pytest.mark.parametrize("kernel", HERE)
def test_a_setting_pins_one_for_every_layer(
    measured: list[tuple[Product, ...]], kernel: Kernel
) -> None:
    chosen = choose_kernels(CONFIG, EXACT, ONE_LANE, kernel.value)
    assert chosen == Kernels(otherwise=kernel)
    assert measured == []


def test_a_setting_that_this_machine_lacks_names_the_ones_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torchs = (Kernel.TORCH, Kernel.TORCH_TRANSPOSED)
    monkeypatch.setattr(kernels, "kernels_for", lambda *_: torchs)
    with pytest.raises(StartError) as refusal:
        check_kernel("onednn", EXACT)
    assert str(refusal.value) == (
        "XCOPA_LINEAR_KERNEL is onednn, which cannot compute here: set it to auto or to one of "
        "torch, torch-transposed"
    )
    check_kernel("torch", EXACT)
    check_kernel("auto", EXACT)


def test_where_there_is_one_kernel_nothing_is_measured(measured: list[tuple[Product, ...]]) -> None:
    chosen = choose_kernels(CONFIG, Target(torch.device("meta")), ONE_LANE)
    assert chosen == Kernels(otherwise=Kernel.TORCH)
    assert measured == []


def test_seconds_a_token_are_those_of_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    seconds = {kernel: 0.001 * at for at, kernel in enumerate(Kernel, start=1)}
    made = layers_taking(monkeypatch, clock, seconds)
    found = measure([QKV, OUT], tuple(Kernel), torch.float32, ONE_LANE, clock)
    assert found == {product: pytest.approx(seconds) for product in (QKV, OUT)}
    assert {layer.calls for layer in made} == {2}, "once to warm up, and one round"


def test_it_measures_several_rounds_while_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    made = layers_taking(monkeypatch, clock, dict.fromkeys(Kernel, 1e-9))
    measure([QKV], tuple(Kernel), torch.float32, ONE_LANE, clock)
    assert {layer.calls for layer in made} == {1 + kernels.ROUNDS}
    assert len(made) == len(TOKENS) * len(Kernel)


def test_a_kernel_that_fails_in_a_lane_ends_all_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    made = layers_taking(monkeypatch, clock, dict.fromkeys(Kernel, 1e-9))
    calls = itertools.count()

    def fail(self: Slow, x: torch.Tensor, residual: torch.Tensor | None = None) -> torch.Tensor:
        if next(calls) == len(made) + 3:
            raise RuntimeError("could not create a primitive")
        return x

    monkeypatch.setattr(Slow, "__call__", fail)
    with pytest.raises(RuntimeError):
        measure([QKV], tuple(Kernel), torch.float32, LanePlan(3, 1), clock)


def test_what_is_measured_here_has_every_kernel_and_a_time() -> None:
    found = measure(products_of(CONFIG), HERE, torch.float32, LanePlan(2, 1))
    assert set(found) == set(products_of(CONFIG))
    assert all(set(seconds) == set(HERE) for seconds in found.values())
    assert all(value > 0 for seconds in found.values() for value in seconds.values())


def test_the_encoder_takes_the_kernel_of_each_product() -> None:
    if len(HERE) < 4:
        pytest.skip("this machine has fewer kernels")
    picked = dict(zip((QKV, OUT, UP, DOWN), Kernel, strict=True))
    choices = tuple(KernelChoice(product, kernel, kernel, {}) for product, kernel in picked.items())
    model = tiny.drawn_multiple_choice(1, num_hidden_layers=2)
    [layer] = PackedEncoder(model, EXACT, Kernels(choices, HERE[0]))._layers
    feed_forward = layer._feed_forward
    parts = [layer._qkv, feed_forward._project, feed_forward._up, feed_forward._down]
    classes = [type(part).__name__ for part in parts]
    assert classes == ["TorchLinear", "TransposedLinear", "OneDnnLinear", "FusedOneDnnLinear"]
