"""``POST /rank``: the choices of one premise, in order."""

from __future__ import annotations

from fastapi import APIRouter

from app.api.call import Call, CallDep
from app.api.described import PROBLEMS, REQUEST_HEADERS
from app.api.json_route import JsonRoute
from app.api.outcomes import answer_or_raise, answered, say_times
from app.api.rank_schemas import Ranking, RankRequest
from app.engine.tokenizer import RankItem, characters
from app.errors import PayloadTooLargeError
from app.serving.answer import Answer, Ask

router = APIRouter(tags=["predict"], route_class=JsonRoute, responses=PROBLEMS)


@router.post(
    "/rank",
    summary="Order 2 to 32 choices by how plausible they are",
    description="Says how plausible each choice is as the cause or effect of the premise.\n"
    + REQUEST_HEADERS,
)
async def rank(body: RankRequest, call: CallDep) -> Ranking:
    item = RankItem(body.premise, tuple(body.choices), body.question)
    _check_length(item, call)
    ask = Ask(item, body.model or call.settings.default_model)
    [outcome] = await answered(call, [ask])
    answer = answer_or_raise(outcome)
    say_times(call, [answer])
    return _ranking(answer, call.request_id)


def _check_length(item: RankItem, call: Call) -> None:
    """Refuse what no model could read, before each choice's row repeats the premise."""
    most, to_read = call.settings.max_body_bytes, characters(item)
    if to_read > most:
        raise PayloadTooLargeError(
            f"premise: it is read once for each choice, which makes {to_read} characters with "
            f"them; a call may have {most} at most; shorten the premise or send fewer choices"
        )


def _ranking(answer: Answer, request_id: str) -> Ranking:
    logits = list(answer.logits)
    return Ranking(
        # Stable: of equal choices the one that was sent first, as in a prediction's label.
        order=sorted(range(len(logits)), key=lambda choice: -logits[choice]),
        probabilities=list(answer.probabilities),
        logits=logits,
        model=answer.model,
        revision=answer.revision,
        request_id=request_id,
    )
