"""From asks to answers, for every route that asks: what they share."""

from __future__ import annotations

from collections.abc import Sequence

from app.api.call import Call
from app.api.disconnect import unless_gone
from app.api.record import record_of
from app.errors import ServiceError
from app.serving.answer import Answer, Ask


async def answered(call: Call, asks: Sequence[Ask]) -> Sequence[Answer | ServiceError]:
    """Ask the service, unless the caller leaves; return an outcome an ask, in order.

    Raises:
        ServiceError: the call was not admitted, or its caller left.
    """
    # One generation answers a call from first to last, so that no answer mixes revisions.
    with call.runtime.answering() as service:
        if not asks:
            return []
        about = record_of(call.request.scope)
        about.asked(asks, texts=call.settings.log_texts)
        work = service.predict(asks, call.timeout, call.caller, call.quota, about.stages)
        outcomes = await unless_gone(call.request, work)
    call.runtime.shadow(asks, outcomes)
    return outcomes


def answer_or_raise(outcome: Answer | ServiceError) -> Answer:
    """Return the answer, or raise the error that stands in its place."""
    if isinstance(outcome, ServiceError):
        raise outcome
    return outcome


def say_times(call: Call, answers: Sequence[Answer]) -> None:
    """Have the longest of each stage stand in ``Server-Timing`` and in the log."""
    record_of(call.request.scope).stages.note(answers)
