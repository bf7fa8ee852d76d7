"""Inference: labels by name or by number, and pairs on which nobody agreed."""

from __future__ import annotations

import pytest

from models.tasks.example import DataError, Sentences
from models.tasks.reading.row import DataRow
from models.tasks.shapes.inference import LABELS, named, numbered

of_names = named("premise", "hypothesis", "label")


def row(label: object, hypothesis: str | None = "It is dark.") -> DataRow:
    return DataRow("row", {"premise": "It is noon.", "hypothesis": hypothesis, "label": label})


@pytest.mark.parametrize("label", range(3))
def test_names_and_numbers_mean_the_same(label: int) -> None:
    expected = Sentences("It is noon.", "It is dark.", label)
    assert of_names(row(LABELS[label])) == expected
    assert numbered(row(label)) == expected
    assert named("premise", "hypothesis", "label", names="enc")(row("enc"[label])) == expected


def test_a_pair_without_a_consensus_is_no_example() -> None:
    assert of_names(row("-")) is None
    assert numbered(row(-1)) is None


@pytest.mark.parametrize("hypothesis", ["", "  ", None])
def test_a_pair_with_an_empty_hypothesis_is_no_example(hypothesis: str | None) -> None:
    assert of_names(row("neutral", hypothesis)) is None
    assert numbered(row(1, hypothesis)) is None


def test_another_label_is_named() -> None:
    with pytest.raises(DataError, match="row: label is not one of entailment, neutral, contrad"):
        of_names(row("perhaps"))
    with pytest.raises(DataError, match="row: label is not one of 0 to 2: 3"):
        numbered(row(3))
