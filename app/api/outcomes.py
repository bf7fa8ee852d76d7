"""From asks to answers, for every route that asks: what they share."""

from __future__ import annotations

from collections.abc import Sequence

from app.api.call import Call
from app.api.disconnect import unless_gone
from app.errors import ServiceError
from app.serving.answer import Answer, Ask


async def answered(call: Call, asks: Sequence[Ask]) -> Sequence[Answer | ServiceError]:
    """Ask the service, unless the caller leaves; return an outcome an ask, in order.

    Raises:
        ServiceError: the call was not admitted, or its caller left.
    """
    service = call.runtime.service
    if not asks:
        return []
    work = service.predict(asks, call.timeout, call.caller, call.quota)
    return await unless_gone(call.request, work)


def answer_or_raise(outcome: Answer | ServiceError) -> Answer:
    """Return the answer, or raise the error that stands in its place."""
    if isinstance(outcome, ServiceError):
        raise outcome
    return outcome


def say_times(call: Call, answers: Sequence[Answer]) -> None:
    """Report the longest of each stage as ``Server-Timing`` (W3C), in milliseconds."""
    stages = {
        "tokenise": max(answer.times.tokenise for answer in answers),
        "queue": max(answer.times.queue for answer in answers),
        "inference": max(answer.times.inference for answer in answers),
    }
    timings = [f"{stage};dur={1000 * seconds:.3f}" for stage, seconds in stages.items()]
    reasons = dict.fromkeys(answer.times.batch_reason for answer in answers)
    timings.append(f'batch;desc="{" ".join(reasons)}"')
    call.response_headers["Server-Timing"] = ", ".join(timings)
