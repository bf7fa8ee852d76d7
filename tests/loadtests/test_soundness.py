"""Which answers of the service a load test counts as failures."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.soundness import is_batch, is_comparison, is_prediction


def prediction(label: int = 1, probabilities: tuple[float, ...] = (0.25, 0.75)) -> dict[str, Any]:
    return {"label": label, "probabilities": list(probabilities)}


def comparison(agree: bool, **labels: int) -> dict[str, Any]:
    sides = {0: prediction(0, (0.75, 0.25)), 1: prediction()}
    return {"predictions": {name: sides[label] for name, label in labels.items()}, "agree": agree}


def test_a_prediction_names_the_most_probable_choice() -> None:
    assert is_prediction(prediction())
    assert not is_prediction(prediction(label=0))


@pytest.mark.parametrize("probabilities", [(0.25, 0.70), (0.3, 0.75), (float("nan"), 0.5)])
def test_probabilities_add_up_to_1(probabilities: tuple[float, float]) -> None:
    assert not is_prediction(prediction(probabilities=probabilities))


def test_a_comparison_says_whether_its_labels_agree() -> None:
    assert is_comparison(comparison(True, direct=1, stilts=1))
    assert is_comparison(comparison(False, direct=0, stilts=1))
    assert not is_comparison(comparison(True, direct=0, stilts=1))
    assert not is_comparison(comparison(False, direct=1, stilts=1))


def test_a_comparison_has_both_models() -> None:
    assert not is_comparison(comparison(True, direct=1))


def test_a_comparison_with_an_unsound_prediction_is_none() -> None:
    answer = comparison(True, direct=1, stilts=1)
    answer["predictions"]["stilts"] = prediction(probabilities=(0.2, 0.7))
    assert not is_comparison(answer)


def test_a_batch_has_an_answer_for_each_item() -> None:
    answer = {"predictions": [prediction()] * 3}
    assert is_batch(answer, size=3)
    assert not is_batch(answer, size=4)
    assert not is_batch({"predictions": [prediction(), prediction(label=0)]}, size=2)


@pytest.mark.parametrize(
    "answer",
    [
        *(None, [], {}, "sound", 7, {"error": {"status": 422}}, {"predictions": None}),
        *({"label": 1}, {"probabilities": [0.25, 0.75]}, {"label": "1", "probabilities": [0, 1]}),
        *({"label": 1, "probabilities": []}, {"label": 1, "probabilities": [None, 1]}),
        *({"label": 5, "probabilities": [0, 1]}, {"label": True, "probabilities": [0, 1]}),
        *({"label": 1, "probabilities": [10**400, 1]}, {"predictions": [], "agree": True}),
        *({"predictions": {}, "agree": True}, {"predictions": [{"error": {"status": 422}}]}),
    ],
)
def test_an_answer_of_any_other_form_is_unsound_and_raises_nothing(answer: object) -> None:
    """An exception would be missing from a load test's failures."""
    assert not is_prediction(answer)
    assert not is_comparison(answer)
    assert not is_batch(answer, size=1)
