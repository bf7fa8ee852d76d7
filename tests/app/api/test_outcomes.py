"""What the routes that ask have in common: calls that ask nothing, callers that leave, times."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from starlette.types import Message

from app.api.call import Call, call_of
from app.api.outcomes import answer_or_raise, answered, say_times
from app.api.record import begin, record_of
from app.engine.tokenizer import CausalItem
from app.errors import ClientGoneError, InferenceError, ServiceError
from app.serving.answer import Answer, Ask, Stages
from app.serving.work import Caller, Quota
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
        self,
        asks: Sequence[Ask],
        timeout: float,
        caller: Caller,
        quota: Quota,
        stages: Stages,
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


# Times -------------------------------------------------------------------------------------------


def test_of_several_items_the_longest_time_of_each_stage_is_kept() -> None:
    call = a_call()
    begin(call.request.scope)
    say_times(call, [answer(queue=0.5), answer(inference=0.25, batch_reason="budget"), answer()])
    stages = record_of(call.request.scope).stages
    assert stages.said() == {"tokenise": 0.001, "queue": 0.5, "inference": 0.25}
    assert stages.batch_reasons == ("drained", "budget")


@pytest.mark.anyio
async def test_the_record_has_which_models_are_asked_and_no_texts() -> None:
    call = a_call(StandInService([answer()]))
    begin(call.request.scope)
    await answered(call, [ASK, Ask(ASK.item, "direct"), ASK])
    about = record_of(call.request.scope)
    assert (about.models, about.items, about.texts) == (("stilts", "direct"), 3, [])
    assert about.stages.admission is not None


@pytest.mark.anyio
async def test_the_record_has_the_texts_where_the_operator_asks_for_them() -> None:
    app = application(StandInRuntime(StandInService([answer()])), log_texts=True)
    call = call_of(request(app))
    begin(call.request.scope)
    await answered(call, [ASK])
    assert record_of(call.request.scope).texts == [
        ["The street lights went out.", "A storm came.", "It was noon."]
    ]
