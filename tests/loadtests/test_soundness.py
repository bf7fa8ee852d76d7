"""Which answers of the service a load test counts as failures."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.soundness import batch, prediction, ranking
from loadtests.soundness import comparison as compared
from tests.loadtests import examples
from tests.loadtests.examples import comparison


def is_sound(answer: object) -> bool:
    return prediction(answer, "stilts") is not None


def test_a_prediction_names_the_most_probable_choice() -> None:
    [found] = prediction(examples.prediction(), "stilts") or []
    assert (found.model, found.revision, found.logits) == ("stilts", "r1", [0.25, 0.75])
    assert not is_sound(examples.prediction(label=0))


def test_of_equal_choices_either_may_be_named() -> None:
    assert is_sound(examples.prediction(0, (0.5, 0.5)))
    assert is_sound(examples.prediction(1, (0.5, 0.5)))


def test_a_prediction_is_that_of_the_model_that_was_asked() -> None:
    assert prediction(examples.prediction(), "direct") is None
    assert batch({"predictions": [examples.prediction()]}, 1, "direct") is None
    assert ranking(examples.ranking(), 3, "direct") is None
    answer = comparison(True, direct=1, stilts=1)
    answer["predictions"]["stilts"]["model"] = "direct"
    assert compared(answer) is None


@pytest.mark.parametrize("field", examples.prediction())
def test_a_prediction_has_all_of_its_fields(field: str) -> None:
    answer = examples.prediction()
    del answer[field]
    assert not is_sound(answer)


@pytest.mark.parametrize("probabilities", [(0.25, 0.70), (0.3, 0.75), (float("nan"), 0.5)])
def test_probabilities_add_up_to_1(probabilities: tuple[float, float]) -> None:
    assert not is_sound(examples.prediction(probabilities=probabilities))


@pytest.mark.parametrize("logits", [(1.0,), (1.0, 2.0, 3.0), (float("inf"), 0.0), ()])
def test_each_choice_has_a_logit_that_is_a_number(logits: tuple[float, ...]) -> None:
    assert not is_sound(examples.prediction(logits=logits))


def test_a_comparison_says_whether_its_labels_agree() -> None:
    assert compared(comparison(True, direct=1, stilts=1))
    assert compared(comparison(False, direct=0, stilts=1))
    assert not compared(comparison(True, direct=0, stilts=1))
    assert not compared(comparison(False, direct=1, stilts=1))


def test_a_comparison_has_both_models() -> None:
    assert not compared(comparison(True, direct=1))


def test_a_comparison_with_an_unsound_prediction_is_none() -> None:
    answer = comparison(True, direct=1, stilts=1)
    answer["predictions"]["stilts"] = examples.prediction(probabilities=(0.2, 0.7))
    assert not compared(answer)


def test_a_batch_has_an_answer_for_each_item() -> None:
    answer = {"predictions": [examples.prediction()] * 3}
    assert len(batch(answer, 3, "stilts") or []) == 3
    assert not batch(answer, 4, "stilts")
    mixed = {"predictions": [examples.prediction(), examples.prediction(label=0)]}
    assert not batch(mixed, 2, "stilts")


@pytest.mark.parametrize("order", [(1, 0, 2), (1, 2), (1, 2, 2), (1, 2, 0, 0), (1, 2, 3)])
def test_a_ranking_has_each_choice_once_the_most_probable_first(order: tuple[int, ...]) -> None:
    assert ranking(examples.ranking(), 3, "stilts")
    assert not ranking(examples.ranking(), 2, "stilts")
    assert not ranking(examples.ranking(order), 3, "stilts")


NAMES: dict[str, Any] = {"model": "stilts", "revision": "r1", "request_id": "1"}


@pytest.mark.parametrize(
    "answer",
    [
        *(None, [], {}, "sound", 7, {"error": {"status": 422}}, {"predictions": None}),
        *({"label": 1}, {"probabilities": [0.25, 0.75]}, {**NAMES, "label": "1", "logits": []}),
        *({**NAMES, "label": 1, "probabilities": [], "logits": []}, {"label": True}),
        *({**NAMES, "label": 1, "probabilities": [None, 1], "logits": [0, 1]},),
        *({**NAMES, "label": 5, "probabilities": [0, 1], "logits": [0, 1]},),
        *({**NAMES, "label": 1, "probabilities": [10**400, 1], "logits": [0, 1]},),
        *({**NAMES, "order": [], "probabilities": [], "logits": []}, {"order": [0, 1]}),
        *({"predictions": [], "agree": True}, {"predictions": {}, "agree": True}),
        *({"predictions": [{"error": {"status": 422}}]},),
    ],
)
def test_an_answer_of_any_other_form_is_unsound_and_raises_nothing(answer: object) -> None:
    """An exception would be missing from a load test's failures."""
    assert prediction(answer, "stilts") is None
    assert compared(answer) is None
    assert batch(answer, 1, "stilts") is None
    assert ranking(answer, 2, "stilts") is None
