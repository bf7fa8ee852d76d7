"""What is answered, and what is said instead."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from app.serving.answer import StageTimes, answer, late, queue_seconds, softmax
from app.serving.work import Ticket

TIMES = StageTimes(0.1, 0.2, 0.3, "drained")
MODEL = SimpleNamespace(revision="r", temperature=2.0)


def test_a_temperature_changes_how_sure_an_answer_is_and_never_which() -> None:
    logits = [0.3, 2.3, -1.0]
    warm, plain = softmax(logits, 4.0), softmax(logits, 1.0)
    assert warm == softmax([logit / 4 for logit in logits], 1.0)
    assert sum(warm) == pytest.approx(1)
    assert max(warm) < max(plain)
    assert warm.index(max(warm)) == plain.index(max(plain))


def test_softmax_is_stable_for_large_logits() -> None:
    assert softmax([1000.0, 1000.0], 1.0) == (0.5, 0.5)
    assert softmax([0.0, -1000.0], 1.0)[0] == 1.0


def test_the_label_is_the_choice_with_the_highest_logit() -> None:
    made = answer((-1.0, 2.0), "direct", MODEL, TIMES)
    assert made.label == 1
    assert made.probabilities == softmax([-1.0, 2.0], 2.0)
    assert (made.logits, made.model, made.revision, made.times) == (
        (-1.0, 2.0),
        "direct",
        "r",
        TIMES,
    )


def test_of_equal_choices_the_first_is_taken() -> None:
    assert answer((0.5, 0.5), "direct", MODEL, TIMES).label == 0


def test_an_item_waits_from_its_admission_until_its_batch_is_sealed() -> None:
    assert queue_seconds(Ticket("m", 1, "", admitted_at=2.0, sealed_at=2.5)) == 0.5
    assert queue_seconds(Ticket("m", 1, "", admitted_at=2.0)) == 0.0
    assert queue_seconds(None) == 0.0


@pytest.mark.parametrize(
    ("ticket", "said"),
    [
        (None, "it waited 3000 ms to be tokenised"),
        (Ticket("m", 1, "", admitted_at=11.0), "it waited 2000 ms in the queue"),
        (
            Ticket("m", 1, "", admitted_at=11.0, sealed_at=12.5),
            "it waited 1500 ms in the queue, and the engine had not finished it",
        ),
    ],
)
def test_a_late_item_says_where_its_time_went(ticket: Ticket[str] | None, said: str) -> None:
    assert str(late(1.5, ticket, started=10.0, now=13.0)) == f"no answer within 1500 ms: {said}"
