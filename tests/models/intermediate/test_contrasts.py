"""The comparisons that claims speak of: which sides, which sign, and what is missing."""

from __future__ import annotations

import pytest

from models.intermediate.contrasts import BESIDE, BEST, HELPS, SIDES, TOGETHER, contrasts
from tests.models.intermediate.made import SHARES, outcomes, study_report


@pytest.mark.parametrize(
    ("name", "difference"),
    [
        (HELPS, (3 * 0.8 + 2 * 0.55) / 5 - 0.5),
        (BEST, 0.8 - 0.55),
        (TOGETHER, 0.85 - 0.8),
        (BESIDE, 0.3 - 0.85),
    ],
)
def test_a_contrast_is_the_second_side_minus_the_first(name: str, difference: float) -> None:
    found = study_report().contrasts[name]
    assert found.missing == ()
    assert found.figures["nine"].difference.value == pytest.approx(difference)


def test_conditions_that_were_not_run_are_named() -> None:
    found = contrasts([own for own in outcomes() if own[0].condition.name not in ("mnli", "all")])
    assert found[TOGETHER].missing == ("mnli", "all")
    assert found[TOGETHER].figures == {}
    assert found[BESIDE].missing == ("all",)


def test_every_side_has_conditions_of_the_study() -> None:
    assert {name for sides in SIDES.values() for side in sides for name in side} == SHARES.keys()
