"""How LoadGen's samples are asked."""

from __future__ import annotations

import itertools
import json

import pytest

from loadtests.mlperf.asker import ServiceAsker, ServiceDialect, labels_of, request_of
from loadtests.target import TargetService
from tests.loadtests.examples import prediction
from tests.loadtests.mlperf.answering import ITEMS, response, service, sound


def answered(asked: TargetService, *calls: int, is_patient: bool = False) -> tuple[list[int], int]:
    """Return all labels of calls of some items each, and how many failed."""
    labels: list[int] = []
    with ServiceAsker(asked, ServiceDialect("stilts"), 1, is_patient) as asker:
        for count in calls:
            asker.ask(ITEMS[:count], labels.extend)
    return labels, asker.failed


def test_labels_come_in_the_order_of_the_items() -> None:
    with service() as asked:
        assert answered(asked, 1, 4) == ([0, 0, 1, 0, 1], 0)


def test_one_item_is_asked_alone_and_several_in_a_list() -> None:
    path, body = request_of(ITEMS[:1], "direct")
    assert (path, json.loads(body)["model"]) == ("/predict/xcopa", "direct")
    path, body = request_of(ITEMS[:2], "direct")
    assert (path, len(json.loads(body)["items"])) == ("/predict/xcopa/batch", 2)


def test_what_has_no_sound_answer_is_counted_and_goes_on() -> None:
    answers = itertools.cycle([response({}, "500 Error"), b"nonsense\r\n\r\n"])
    with service(lambda request: next(answers)) as asked:
        assert answered(asked, 2, 1) == ([-1, -1, -1], 3)


def test_a_patient_caller_asks_again_after_a_refusal() -> None:
    refusal = response({}, "429 Too Many Requests\r\nRetry-After: 0")
    turns = itertools.chain([refusal], itertools.repeat(None))
    with service(lambda request: next(turns) or sound(request)) as asked:
        assert answered(asked, 2, is_patient=True) == ([0, 1], 0)
    with service(lambda request: refusal) as asked:
        assert answered(asked, 2) == ([-1, -1], 2)


@pytest.mark.parametrize("content", [b"", b"[", b"{}", b'{"predictions": []}'])
def test_what_is_no_answer_has_no_labels(content: bytes) -> None:
    assert labels_of(200, content, 2, "stilts") == [-1, -1]
    assert labels_of(200, content, 1, "stilts") == [-1]


def test_an_answer_of_another_model_has_no_label() -> None:
    content = json.dumps(prediction(1)).encode()
    assert labels_of(200, content, 1, "stilts") == [1]
    assert labels_of(200, content, 1, "direct") == [-1]
