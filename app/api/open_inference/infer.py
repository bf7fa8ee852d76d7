"""``POST /v2/models/{name}/infer``: the items of a call as tensors, all answered or none.

They go the way of ``/predict/xcopa/batch``. The protocol has no place for the error of one item
among answers, so a call with a bad item is refused as a whole, and every bad item is named.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from app.api.call import Call, CallDep, call_of
from app.api.json_route import read_body
from app.api.open_inference import binary
from app.api.open_inference.models import revision_of
from app.api.open_inference.schemas import InferRequest, InferResponse, described_errors
from app.api.open_inference.tensors import check_outputs, items_of, output, placed
from app.api.outcomes import answer_or_raise, answered, say_times
from app.errors import InvalidRequestError, ServiceError
from app.serving.answer import Answer, Ask

ERRORS = described_errors(
    {
        400: "An input is wrong",
        404: "No such model, or not of this version",
        413: "More than one call may ask for",
        429: "The queue is full, or the API key has used up its tokens a second; see Retry-After",
        503: "Starting or shutting down; see Retry-After",
        504: "No answer within the deadline",
    }
)


BINARY: dict[str, Any] = {
    binary.MEDIA_TYPE: {
        "schema": {
            "type": "string",
            "format": "binary",
            "description": f"JSON of as many bytes as {binary.HEADER} says, then binary data.",
        }
    }
}
# In words: as a content type of the body it would say that any bytes are a request.
BODY = (
    f"The body is JSON, or `{binary.MEDIA_TYPE}`: JSON of as many bytes as the header "
    f"`{binary.HEADER}` says, then the binary data of its inputs."
)


class InferRoute(APIRoute):
    """Reads a body with or without binary data, and answers in the form that it asks for.

    FastAPI only describes such a route, and finds it.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint: Callable[..., Coroutine[Any, Any, InferResponse]] = self.endpoint

        async def handle(request: Request) -> Response:
            body = await read_body(request)
            asked = binary.decode(body, request.headers.get(binary.HEADER))
            call = call_of(request)
            answer = await endpoint(body=asked, call=call, **request.path_params)
            content, headers = binary.encode(answer, asked)
            return Response(content, headers={**call.response_headers, **headers})

        return handle


router = APIRouter(
    prefix="/v2/models/{name}",
    tags=["open inference protocol"],
    route_class=InferRoute,
    responses={200: {"content": BINARY}, **ERRORS},
)


@router.post("/infer", summary="Answer items with one model", description=BODY)
async def infer(body: InferRequest, call: CallDep, name: str) -> InferResponse:
    return await _infer(body, call, name, None)


@router.post("/versions/{version}/infer", summary="The same with a version of it", description=BODY)
async def infer_version(
    body: InferRequest, call: CallDep, name: str, version: str
) -> InferResponse:
    return await _infer(body, call, name, version)


async def _infer(body: InferRequest, call: Call, name: str, version: str | None) -> InferResponse:
    revision_of(call.runtime, name, version)
    outputs = check_outputs(body.outputs)
    items = items_of(body, call.settings.max_batch_items)
    answers = _all_or_raise(await answered(call, [Ask(item, name) for item in items]))
    say_times(call, answers)
    return InferResponse(
        model_name=name,
        model_version=answers[0].revision,
        id=body.id,
        outputs=[output(each, answers) for each in outputs],
    )


def _all_or_raise(outcomes: Sequence[Answer | ServiceError]) -> list[Answer]:
    invalid = [
        field
        for index, outcome in enumerate(outcomes)
        if isinstance(outcome, InvalidRequestError)
        for field in placed(outcome, index)
    ]
    if invalid:
        raise InvalidRequestError(invalid)
    return [answer_or_raise(outcome) for outcome in outcomes]
