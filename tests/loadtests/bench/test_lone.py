"""A lone request beside the engine: the ratio is taken item by item."""

from __future__ import annotations

import pytest

from loadtests.bench.lone import over_engine


def test_each_item_is_compared_with_itself() -> None:
    result = over_engine([(0.012, 0.010), (0.055, 0.050), (0.026, 0.020)])
    assert [result.least, result.value, result.greatest] == pytest.approx([1.1, 1.2, 1.3])
    assert result.details == {"request_ms": 26, "engine_ms": 20}
