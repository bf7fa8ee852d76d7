"""The temperature with which probabilities mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit  # type: ignore[import-untyped]

from models.evaluation.measure.temperature import fit_temperature


@pytest.mark.parametrize("true", [0.5, 1.0, 4.0])
def test_it_finds_the_temperature_that_labels_were_drawn_with(true: float) -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(scale=3, size=(50_000, 2))
    second = expit((logits[:, 1] - logits[:, 0]) / true)
    labels = (generator.random(len(second)) < second).astype(np.int64)
    assert fit_temperature(logits, labels) == pytest.approx(true, rel=0.03)


def test_whoever_knows_nothing_is_told_to_say_one_half() -> None:
    logits = np.array([[0.0, 3.0], [0.0, 3.0], [3.0, 0.0], [3.0, 0.0]])
    assert fit_temperature(logits, np.array([1, 0, 1, 0])) == pytest.approx(50, rel=0.01)


def test_the_order_of_the_choices_does_not_matter() -> None:
    logits = np.random.default_rng(1).normal(size=(60, 2))
    labels = (logits[:, 1] + np.random.default_rng(2).normal(size=60) > 0).astype(np.int64)
    assert fit_temperature(logits[:, ::-1], 1 - labels) == pytest.approx(
        fit_temperature(logits, labels)
    )
