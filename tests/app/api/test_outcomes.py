"""What the routes that ask have in common: calls that ask nothing, callers that leave, times."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from app.api.call import Call, call_of
from app.api.outcomes import answer_or_raise, answered, say_times
from app.engine.tokenizer import CausalItem
from app.errors import ClientGoneError, InferenceError, ServiceError
from app.serving.answer import Answer, Ask
from app.serving.work import UNLIMITED, Caller, Quota
from tests.app.api.stand_in import (
    ITEM,
    StandInRuntime,
    StandInService,
    answer,
    application,
    request,
)

ASK = Ask(CausalItem(**ITEM), "stilts")
FAILED = InferenceError("the model failed on this item")


def a_call(service: StandInService | None = None) -> Call:
    return call_of(request(application(StandInRuntime(service or StandInService()))))


# Asking ------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_outcomes_come_in_the_order_of_the_asks_errors_among_them() -> None:
    service = StandInService([answer(label=1), FAILED, answer()])
    call = a_call(service)
    outcomes = await answered(call, [ASK] * 3)
    assert list(outcomes) == [answer(label=1), FAILED, answer()]
    assert service.calls == [([ASK] * 3, call.timeout, call.caller)]


@pytest.mark.anyio
async def test_a_call_that_asks_nothing_takes_no_place_in_the_queue() -> None:
    service = StandInService([answer()])
    assert await answered(a_call(service), []) == []
    assert service.calls == []


class Endless(StandInService):
    """Never answers, and notes that it was told to stop."""

    stopped = False

    async def predict(
        self, asks: Sequence[Ask], timeout: float, caller: Caller, quota: Quota = UNLIMITED
    ) -> Sequence[Answer | ServiceError]:
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped = True
        return []


@pytest.mark.anyio
async def test_the_asks_of_a_caller_who_has_left_are_given_up() -> None:
    async def leaves() -> Message:
        return {"type": "http.disconnect"}

    service = Endless()
    app = application(StandInRuntime(service))
    with pytest.raises(ClientGoneError):
        await asyncio.wait_for(answered(call_of(request(app, receive=leaves)), [ASK]), timeout=30)
    assert service.stopped


def test_an_error_in_the_place_of_an_answer_is_raised_as_it_is() -> None:
    assert answer_or_raise(answer()) == answer()
    with pytest.raises(InferenceError) as raised:
        answer_or_raise(FAILED)
    assert raised.value is FAILED


# Server-Timing -----------------------------------------------------------------------------------


def timing(answers: Sequence[Answer]) -> dict[str, str]:
    """Return the header's metrics by name, each with its one parameter (W3C Server Timing)."""
    call = a_call()
    say_times(call, answers)
    metrics = call.response_headers["Server-Timing"].split(", ")
    return dict(metric.split(";", 1) for metric in metrics)


SECONDS = st.floats(0, 600)


@given(st.lists(st.tuples(SECONDS, SECONDS, SECONDS), min_size=1, max_size=5))
def test_of_several_items_the_longest_time_of_each_stage_is_said(
    times: list[tuple[float, float, float]],
) -> None:
    stages = ("tokenise", "queue", "inference")
    answers = [answer(tokenise=own[0], queue=own[1], inference=own[2]) for own in times]
    said = timing(answers)
    for stage, longest in zip(stages, map(max, zip(*times, strict=True)), strict=True):
        assert said[stage].startswith("dur=")
        assert float(said[stage].removeprefix("dur=")) == pytest.approx(1000 * longest, abs=5e-4)


def test_each_reason_for_a_batch_is_said_once_in_the_order_of_the_items() -> None:
    reasons = ("budget", "drained", "budget", "wait")
    said = timing([answer(batch_reason=reason) for reason in reasons])
    assert said["batch"] == 'desc="budget drained wait"'


def test_other_headers_of_the_answer_stay() -> None:
    call = a_call()
    call.response_headers["X-Other"] = "stays"
    say_times(call, [answer()])
    assert call.response_headers == {
        "X-Other": "stays",
        "Server-Timing": "tokenise;dur=1.000, queue;dur=2.000, inference;dur=3.000, "
        'batch;desc="drained"',
    }
