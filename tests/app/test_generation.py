"""A generation is loaded, warmed and measured; what was measured is kept for the next start."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from app.engine.engine import Row
from app.generation import Models, load_generation
from app.serving.calibration import BudgetRule
from app.weights.variant import Variant, load_variants
from tests.engines import ColdEngine

PASS_S = 0.005
"""Long beside what a sleep takes too long, so that no pass seems to be faster than another."""
RECALLED = 3
"""Batches of a start that measures nothing: one that warms up, two that look whether it holds."""


class Counting(ColdEngine):
    """Counts the batches that it runs; each takes as long."""

    def __init__(self) -> None:
        self.batches = 0

    def logits(self, rows: Sequence[Row]) -> list[float]:
        self.batches += 1
        time.sleep(PASS_S)
        return [0.0] * len(rows)


@contextlib.contextmanager
def untimed(_: str) -> Iterator[None]:
    yield


@pytest.fixture(scope="module")
def direct(tiny_direct: Path) -> Variant:
    return load_variants({"direct": str(tiny_direct)}, Path())["direct"]


def started(variant: Variant, directory: Path | None) -> tuple[Models, int]:
    """What a start gives, and how many batches it ran."""
    engine = Counting()
    variants: Mapping[str, Variant] = {"direct": dataclasses.replace(variant, engine=engine)}
    served = load_generation(lambda: variants, BudgetRule(), untimed, {}, directory)
    return served, engine.batches


def samples(served: Models) -> object:
    return served["direct"].calibration.samples


def test_the_next_start_takes_what_this_one_measured(direct: Variant, tmp_path: Path) -> None:
    first, many = started(direct, tmp_path)
    again, few = started(direct, tmp_path)
    assert few == RECALLED < many
    assert samples(again) == samples(first)


@pytest.mark.parametrize(
    "other",
    [
        {"shape": "another"},
        {"machine": "another"},
        {"threads": 7},
        {"adapter": "apart"},
    ],
)
def test_another_shape_or_setup_is_measured_itself(
    direct: Variant, tmp_path: Path, other: dict[str, object]
) -> None:
    first, many = started(direct, tmp_path)
    changed, as_many = started(dataclasses.replace(direct, **other), tmp_path)  # type: ignore[arg-type]
    assert as_many == many
    assert samples(changed) != samples(first)


def test_without_a_directory_every_start_measures(direct: Variant) -> None:
    first, _ = started(direct, None)
    again, _ = started(direct, None)
    assert samples(again) != samples(first)
