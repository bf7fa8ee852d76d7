"""``POST /predict/xcopa``, ``/predict/xcopa/batch`` and ``/compare/xcopa``."""

from __future__ import annotations

import itertools

from fastapi import APIRouter
from pydantic import ValidationError

from app.api.call import Call, CallDep, metrics_of
from app.api.described import PROBLEMS, REQUEST_HEADERS
from app.api.json_route import JsonRoute
from app.api.named_models import PARAMETER, QUERY, chosen
from app.api.outcomes import answer_or_raise, answered, say_times
from app.api.problem import detail_of, field_errors, problem
from app.api.schemas import (
    BatchRequest,
    BatchResponse,
    CompareRequest,
    CompareResponse,
    Item,
    ItemProblem,
    Prediction,
    PredictRequest,
    Problem,
)
from app.engine.tokenizer import CausalItem
from app.errors import (
    MOST_FIELD_ERRORS,
    CallFailedError,
    FieldError,
    InvalidRequestError,
    PayloadTooLargeError,
    ServiceError,
)
from app.serving.answer import Answer, Ask

COMPARE = "/compare/xcopa"

router = APIRouter(tags=["predict"], route_class=JsonRoute, responses=PROBLEMS)


@router.post(
    "/predict/xcopa",
    summary="Answer one item with one model",
    description="Says which of two choices is the more plausible cause or effect of the premise.\n"
    + REQUEST_HEADERS,
)
async def predict(body: PredictRequest, call: CallDep) -> Prediction:
    ask = Ask(_causal(body), body.model or call.settings.default_model)
    [outcome] = await answered(call, [ask])
    answer = answer_or_raise(outcome)
    say_times(call, [answer])
    return _prediction(answer, call.request_id)


@router.post(
    COMPARE,
    summary="Answer one item with several models",
    description="Asks all models, or those that the query names, and says whether they choose the "
    "same label.\n" + REQUEST_HEADERS,
    openapi_extra={"parameters": [PARAMETER]},
)
async def compare(body: CompareRequest, call: CallDep) -> CompareResponse:
    names = chosen(call.request.query_params.getlist(QUERY), list(call.runtime.served))
    asks = [Ask(_causal(body), name) for name in names]
    answers = [answer_or_raise(outcome) for outcome in await answered(call, asks)]
    say_times(call, answers)
    agree = len({answer.label for answer in answers}) == 1
    if len(answers) > 1:
        metrics_of(call.request).items_compared(agree=agree)
    return CompareResponse(
        predictions={answer.model: _prediction(answer, call.request_id) for answer in answers},
        agree=agree,
    )


@router.post(
    "/predict/xcopa/batch",
    summary="Answer many items with one model, in order",
    description="Gives one entry an item. An item that is wrong, or fails, harms none of its "
    "neighbours: in its place stands `error` with a problem of its own, whose fields are named "
    "from the call's root (`items.3.premise`), and the status is 200. When no item could be "
    "answered, the answer is the first item's problem and names every one.\n" + REQUEST_HEADERS,
)
async def predict_batch(body: BatchRequest, call: CallDep) -> BatchResponse:
    most = call.settings.max_batch_items
    if len(body.items) > most:
        raise PayloadTooLargeError(
            f"items: {len(body.items)} items; one call may bring {most} at most"
        )
    model = body.model or call.settings.default_model
    checked = [_check(raw) for raw in body.items]
    asks = [Ask(item, model) for item in checked if isinstance(item, CausalItem)]
    asked = iter(await answered(call, asks))
    outcomes: list[Answer | ServiceError] = [
        next(asked) if isinstance(item, CausalItem) else item for item in checked
    ]
    answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
    if not answers:
        raise _all_failed(outcomes)
    say_times(call, answers)
    return BatchResponse(
        predictions=[
            _prediction(outcome, call.request_id)
            if isinstance(outcome, Answer)
            else _item_problem(outcome, index, call)
            for index, outcome in enumerate(outcomes)
        ]
    )


def _causal(item: Item) -> CausalItem:
    return CausalItem(item.premise, item.choice1, item.choice2, item.question)


def _check(raw: object) -> CausalItem | InvalidRequestError:
    if isinstance(raw, Item):
        return _causal(raw)
    try:
        return _causal(Item.model_validate(raw))
    except ValidationError as error:
        return InvalidRequestError(field_errors(error.errors()))


def _prediction(answer: Answer, request_id: str) -> Prediction:
    return Prediction(
        label=answer.label,
        probabilities=list(answer.probabilities),
        logits=list(answer.logits),
        model=answer.model,
        revision=answer.revision,
        request_id=request_id,
    )


def _item_problem(error: ServiceError, index: int, call: Call) -> ItemProblem:
    # Equal items share one error, so it is not changed here.
    instance = call.request.url.path
    details = problem(error, instance, call.request_id, _placed(error, index))
    return ItemProblem(error=Problem.model_validate(details))


def _all_failed(outcomes: list[Answer | ServiceError]) -> ServiceError:
    """Make one error of a call of which nothing could be answered: the first, naming all."""
    errors = [outcome for outcome in outcomes if isinstance(outcome, ServiceError)]
    placed = (field for index, error in enumerate(errors) for field in _placed(error, index))
    return CallFailedError(errors[0], tuple(itertools.islice(placed, MOST_FIELD_ERRORS)))


def _placed(error: ServiceError, index: int) -> tuple[FieldError, ...]:
    """Return the error's fields under the item's place in the call."""
    place = f"items.{index}"
    if not error.errors:
        return (FieldError(place, detail_of(error)),)
    return tuple(
        FieldError(place, field.message) if field.field == "body" else field.under(place)
        for field in error.errors
    )
