"""The same question gets the same answer, on every route."""

from __future__ import annotations

from loadtests.same_answer import AnswerMemory, question_of
from loadtests.soundness import ModelAnswer
from tests.loadtests.examples import ITEM, prediction


def answer(first: float, second: float, model: str = "stilts", revision: str = "r") -> ModelAnswer:
    found = prediction(logits=(first, second), model=model)
    return ModelAnswer.model_validate({**found, "revision": revision})


QUESTION = question_of(ITEM)


def test_the_first_answer_is_remembered_and_the_same_one_is_no_contradiction() -> None:
    memory = AnswerMemory()
    assert memory.contradiction(QUESTION, answer(0.5, 1.5)) is None
    assert memory.contradiction(QUESTION, answer(0.5, 1.5005)) is None


def test_another_answer_says_how_it_differs() -> None:
    memory = AnswerMemory()
    memory.contradiction(QUESTION, answer(0.5, 1.5))
    assert memory.contradiction(QUESTION, answer(0.5, 1.6)) == (
        "another answer than before from stilts r: logit 1.6 after 1.5 for 'He sang.'"
    )


def test_the_tolerance_is_the_callers() -> None:
    memory = AnswerMemory(tolerance=0.2)
    memory.contradiction(QUESTION, answer(0.5, 1.5))
    assert memory.contradiction(QUESTION, answer(0.5, 1.6)) is None


def test_another_model_or_revision_or_question_may_answer_otherwise() -> None:
    memory = AnswerMemory()
    memory.contradiction(QUESTION, answer(0.5, 1.5))
    assert memory.contradiction(QUESTION, answer(9, 9, model="direct")) is None
    assert memory.contradiction(QUESTION, answer(9, 9, revision="r2")) is None
    assert memory.contradiction(question_of({**ITEM, "question": "cause"}), answer(9, 9)) is None
    assert memory.contradiction(question_of({**ITEM, "premise": "p"}), answer(9, 9)) is None


def test_a_choice_has_the_same_logit_in_a_ranking_as_alone() -> None:
    memory = AnswerMemory()
    memory.contradiction(QUESTION, answer(0.5, 1.5))
    turned = {**ITEM, "choices": [ITEM["choice2"], ITEM["choice1"]]}
    assert memory.contradiction(question_of(turned), answer(1.5, 0.5)) is None
    assert "logit 0.5 after 1.5" in str(memory.contradiction(question_of(turned), answer(0.5, 1.5)))
