"""The rate of the machine counts every lane, and is that of the fastest library."""

from __future__ import annotations

import pytest

from app.engine.kernel_choice import Kernel
from app.engine.threads import ONE_LANE
from loadtests.bench import matmul
from loadtests.bench.matmul import BestMatmulRate, MatmulRate

SIDE = 16


def test_the_rate_of_a_product_counts_all_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    rate = MatmulRate(ONE_LANE, Kernel.TORCH, SIDE)
    monkeypatch.setattr(matmul, "seconds", lambda work, rows: len(rows) / 2)
    assert rate() == 2 * 2 * SIDE**3


def test_the_best_rate_is_that_of_the_fastest_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    durations = {Kernel.TORCH: 2.0, Kernel.TORCH_TRANSPOSED: 0.5}
    monkeypatch.setattr(matmul, "kernels_for", lambda device, dtype: tuple(durations))
    best = BestMatmulRate(ONE_LANE, SIDE)
    running = iter(durations.values())
    monkeypatch.setattr(matmul, "seconds", lambda work, rows: next(running))
    assert best() == (2 * SIDE**3 / 0.5, Kernel.TORCH_TRANSPOSED)
