"""What is made of the times of training steps, and the padded batch of the other side."""

from __future__ import annotations

import pytest

from loadtests.bench.training import compared, padded
from models.training.example_tokenizer import Encoded


def test_steps_are_compared_batch_by_batch() -> None:
    ours, theirs, ratio, rate = compared([(1, 2), (2, 6), (2, 8)], [100, 300, 400])
    assert (ours.value, ours.unit) == (2, "s")
    assert (theirs.value, theirs.unit) == (6, "s")
    assert (ratio.least, ratio.value, ratio.greatest) == (2, 3, 4)
    assert (rate.least, rate.value, rate.greatest) == (100, 150, 200)
    assert rate.unit == "tokens/s"


def test_a_padded_batch_is_as_long_as_its_longest_row() -> None:
    items = [Encoded(((0, 5, 2), (0, 2)), (1,)), Encoded(((0, 6, 7, 2), (0, 8, 2)), (0,))]
    ids, labels = padded(items)
    assert ids.tolist() == [
        [[0, 5, 2, 1], [0, 2, 1, 1]],
        [[0, 6, 7, 2], [0, 8, 2, 1]],
    ]
    assert labels.tolist() == pytest.approx([1, 0])
