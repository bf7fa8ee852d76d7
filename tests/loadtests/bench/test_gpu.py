"""What is measured on a GPU, tried on the CPU; and that without a GPU it says so."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import pytest
import torch
from rich.console import Console

from app.engine.target import CPU
from loadtests.bench import gpu
from loadtests.bench.encoder import encoder_weights
from loadtests.bench.gpu import matmul_rate, measure, on_device, parity
from tests import tiny

ITEMS = [((0, 5 + n, 2, 2, 6, 2), (0, 5 + n, 2, 2, 9, 8, 2)) for n in range(12)]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("BATCH_ITEMS", 4), ("BATCHES", 3), ("LONE_ITEMS", 2), ("SIDE", 64)):
        monkeypatch.setattr(gpu, name, value)


def test_without_a_device_nothing_is_measured_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    said = io.StringIO()
    assert measure(Console(file=said)) == []
    assert "no CUDA device: nothing was measured" in said.getvalue()


def test_answers_of_the_cpu_are_those_of_the_cpu() -> None:
    apart, labels = parity(tiny.drawn_multiple_choice(1).eval(), ITEMS, CPU)
    assert apart.value < 1e-5
    assert labels.value >= 0.5
    assert labels.details == {"items": 12}


def test_an_answer_that_differs_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        def logits(self, rows: Sequence[Sequence[int]]) -> list[float]:
            return [float(index % 2) for index in range(len(rows))]

    class Opposite:
        def logits(self, rows: Sequence[Sequence[int]]) -> list[float]:
            return [float(index % 2 == (index < 6)) for index in range(len(rows))]

    engines = iter([Other(), Opposite()])
    monkeypatch.setattr(gpu, "engine_on", lambda *_: next(engines))
    apart, labels = parity(tiny.drawn_multiple_choice(1).eval(), ITEMS, CPU)
    assert apart.value > 0.1
    assert labels.value == pytest.approx(3 / 12)


def test_each_shape_has_a_rate_a_share_and_a_lone_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "matmul_rate", lambda _: 1e9)
    model = tiny.drawn_multiple_choice(2).eval()
    rate, share, lone = on_device("a shape", model, ITEMS, CPU, Console(file=io.StringIO()))
    assert rate.details == {"items_a_batch": 4, "tokens_a_batch": 52}
    assert share.value == pytest.approx(
        2 * encoder_weights(model) * 52 * (rate.value / 4) / 1e9, rel=1e-6
    )
    assert share.details == {"tflops": 0.0}
    assert lone.unit == "ms"
    assert all(math.isfinite(each.value) and each.value > 0 for each in (rate, share, lone))


def test_a_product_has_a_rate() -> None:
    assert matmul_rate(CPU) > 0
