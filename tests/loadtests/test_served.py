"""Which models are asked."""

from __future__ import annotations

import pytest

from loadtests.served import chosen_models, served_models
from loadtests.target import TargetError, TargetService
from tests.loadtests.bench.tiny_server import tiny_server
from tests.loadtests.mlperf.answering import response, service

SERVED = ["direct", "stilts", "mnli"]


def test_a_service_says_which_models_it_has() -> None:
    with service() as asked:
        assert served_models(asked) == ["direct", "stilts"]


@pytest.mark.parametrize(
    "answer", [response({"models": []}), response({}, "401 Unauthorized"), b"HTTP/1.1 2", b""]
)
def test_one_that_does_not_say_is_named(answer: bytes) -> None:
    with tiny_server(lambda _: [answer]) as server:
        asked = TargetService("127.0.0.1", server.port)
        with pytest.raises(TargetError) as refused:
            served_models(asked)
    assert str(refused.value) == f"GET {asked.url}/models does not say which models there are"


def test_all_are_asked_unless_some_are_named() -> None:
    assert chosen_models("", SERVED) == SERVED
    assert chosen_models("mnli, direct", SERVED) == ["mnli", "direct"]


@pytest.mark.parametrize("option", ["large", "direct,large", "direct,"])
def test_one_that_is_not_served_says_which_are(option: str) -> None:
    with pytest.raises(TargetError, match=f"^--variants {option}: '(large)?' is not one of direct"):
        chosen_models(option, SERVED)
