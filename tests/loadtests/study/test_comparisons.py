"""What is compared: each kind is told from the others by what its sides run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.settings import DIRECT, STILTS
from loadtests.peers.padded import SIZES
from loadtests.study.comparisons import (
    FULL_RUN,
    QUICK,
    SATURATED,
    SHAPES,
    of_cascade,
    of_shape,
    planned,
)
from loadtests.study.side import Comparison, Side

EVERYTHING = planned(quick=False, shapes=SHAPES, threshold=0.7)


def test_names_are_unique_because_blocks_are_kept_by_them() -> None:
    names = [each.name for each in EVERYTHING]
    assert len(set(names)) == len(names)


def test_the_first_comparisons_are_of_a_side_with_itself() -> None:
    assert [each.is_of_itself for each in FULL_RUN[:3]] == [True, True, False]
    assert {each.first.how for each in FULL_RUN if each.is_of_itself} == {"engine", "http"}


def test_a_comparison_of_the_variants_differs_in_nothing_else() -> None:
    chosen = [each for each in EVERYTHING if each.name.startswith("variants")]
    assert all(each.is_of_variants for each in chosen)
    assert not any(each.is_of_variants for each in EVERYTHING if each not in chosen)
    other = replace(SATURATED, second=replace(SATURATED.second, batch_items=4))
    assert not other.is_of_variants


def test_the_variants_are_compared_at_every_level() -> None:
    sides = [each.first for each in FULL_RUN if each.is_of_variants]
    assert {side.batch_items for side in sides if side.how == "engine"} >= {1, 16, 64}
    assert {side.batch_items for side in sides if side.how == "http"} == {1, 32}
    assert {side.precision for side in sides} == {"fp32", "bf16"}
    assert any(side.prompt is not None for side in sides)
    assert any(side.languages for side in sides)
    assert any(side.how == "engine with its adapter apart" for side in sides)


def test_what_decides_is_of_one_side_or_of_both_variants() -> None:
    deciding = [each for each in EVERYTHING if each.decides]
    assert {each.name for each in EVERYTHING if each not in deciding} == {
        *("prompt", "precision", "adapter", "language", "cascade"),
        *("shape of XLM-R base", "shape of XLM-R large"),
    }


def test_a_quick_run_has_what_a_verdict_needs() -> None:
    assert planned(quick=True, shapes=[], threshold=0.7) == QUICK
    assert {each.is_of_itself for each in QUICK} == {True, False}
    assert {each.first.how for each in QUICK if each.is_of_variants} == {"engine", "http"}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_larger_shape_says_that_its_weights_are_random(shape: str) -> None:
    found = of_shape(shape)
    assert shape in SIZES
    assert "random" in found.question
    assert "random" in found.second.name
    assert (found.second.model, found.first.model) == (shape, STILTS)


def test_a_cascade_is_compared_with_the_one_model_in_its_place() -> None:
    found = of_cascade(0.7)
    assert found.first == Side(STILTS, STILTS)
    assert (found.second.model, found.second.second) == (DIRECT, STILTS)
    assert (found.second.how, found.second.threshold) == ("cascade", 0.7)


def test_without_answers_there_is_no_cascade() -> None:
    assert planned(quick=False, shapes=[], threshold=None) == FULL_RUN


def test_sides_of_other_names_are_the_same() -> None:
    assert Comparison("x", "?", Side("a", STILTS), Side("b", STILTS)).is_of_itself
    assert not Comparison("x", "?", Side("a", STILTS), Side("a", DIRECT)).is_of_itself
