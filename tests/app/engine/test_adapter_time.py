"""What an adapter costs apart: the count of its products, and the ratio of measured passes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.engine.adapter_time import ROUNDS, measured_ratio, share_of_products
from app.engine.kernel_choice import Kernels
from app.engine.target import EXACT
from tests import tiny
from tests.app.engine.test_adapted import EVERY_LAYER, RANK, adapted


def test_the_share_counts_each_factor_once() -> None:
    model = adapted(EVERY_LAYER)
    hidden, inner = model.config.hidden_size, model.config.intermediate_size
    low = RANK * (4 * 2 * hidden + 2 * (hidden + inner))
    assert share_of_products(model) == pytest.approx(low / (4 * hidden**2 + 2 * hidden * inner))
    assert share_of_products(adapted(("query",))) == pytest.approx(
        RANK * 2 * hidden / (4 * hidden**2 + 2 * hidden * inner)
    )
    assert share_of_products(tiny.drawn_multiple_choice(1)) == 0


def ticking(full: float, lone: float) -> Iterator[float]:
    """Yield what a clock says while passes apart take so many times as long as merged ones.

    The very first pair takes much longer, as where something else ran meanwhile.
    """
    now = 0.0
    for kind in (full, lone):
        for number in range(ROUNDS):
            for seconds in (kind * 0.5 + 100 * (number == 0), 0.5):
                yield now
                now += seconds
                yield now


@pytest.mark.parametrize(("full", "lone"), [(1.2, 1.05), (1.05, 1.2), (0.9, 0.8)])
def test_the_ratio_is_the_larger_one_of_the_medians(full: float, lone: float) -> None:
    clock = ticking(full, lone).__next__
    ratio = measured_ratio(adapted(EVERY_LAYER), EXACT, Kernels(), clock)
    assert ratio == pytest.approx(max(full, lone))
