"""How figures are written."""

from __future__ import annotations

import pytest

from models.evaluation.show.numbers import decimal, interval, p_value, percent
from models.statistics import Estimate


@pytest.mark.parametrize(
    ("p", "written"), [(None, "-"), (0.5, "0.5000"), (1 / 10_001, "0.0001"), (1e-9, "<0.0001")]
)
def test_a_p_value_is_never_written_as_zero(p: float | None, written: str) -> None:
    assert p_value(p) == written


def test_a_difference_has_its_sign() -> None:
    assert interval(Estimate(0.012, -0.005, 0.03), sign="+") == "+1.2 [-0.5, +3.0]"
    assert interval(Estimate(-0.01, -0.03, 0.0), sign="+") == "-1.0 [-3.0, +0.0]"
    assert interval(Estimate(0.02, 0.01, 0.03), sign="+") == "+2.0 [+1.0, +3.0]"
    assert interval(Estimate(0.636, 0.5934, 0.6766)) == "63.6 [59.3, 67.7]"
    assert interval(None) == "-"


def test_a_share_is_written_in_per_cent_and_another_figure_is_not() -> None:
    assert [percent(share) for share in (0.0, 0.6364, 1.0, None)] == ["0.0", "63.6", "100.0", "-"]
    assert [decimal(0.6364), decimal(-0.05, 2), decimal(None)] == ["0.636", "-0.05", "-"]
