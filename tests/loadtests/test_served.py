"""Which models are asked."""

from __future__ import annotations

import pytest

from loadtests.served import chosen_models, served_models
from loadtests.target import TargetError, TargetService
from tests.loadtests.bench.tiny_server import tiny_server
from tests.loadtests.mlperf.answering import MODELS, response, service

SERVED = ["direct", "stilts", "mnli"]


def test_a_service_says_which_models_it_has() -> None:
    with service() as asked:
        assert served_models(asked) == ["direct", "stilts"]


def keyed(request: bytes) -> list[bytes]:
    """Answer those who send the key."""
    has_key = b"authorization: bearer xcopa_abc" in request.lower()
    return [response(MODELS) if has_key else response({}, "401 Unauthorized")]


def test_a_service_that_needs_a_key_was_not_asked_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XCOPA_API_KEY", "xcopa_abc")
    with tiny_server(keyed) as server:
        assert served_models(TargetService("127.0.0.1", server.port)) == ["direct", "stilts"]


def test_a_service_that_needs_another_key_says_which_variable_holds_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("XCOPA_API_KEY", raising=False)
    with tiny_server(keyed) as server, pytest.raises(TargetError) as refused:
        served_models(TargetService("127.0.0.1", server.port))
    assert str(refused.value).endswith(
        "/models answers 401; XCOPA_API_KEY holds the API key that is sent"
    )


@pytest.mark.parametrize("answer", [response({"models": []}), b"HTTP/1.1 2", b""])
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
