"""A route whose body and answer are JSON and nothing else, at the least cost.

FastAPI describes such a route, and ``dispatch.py`` finds it; what FastAPI would do for each request
in general is done here for the one form that these routes have::

    async def endpoint(body: SomeModel, call: CallDep) -> AnotherModel

That takes a third of the time, which matters since a prediction is short
(``docs/results/speed.md``).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from email.message import Message
from functools import cached_property
from typing import Any, TypeVar, get_type_hints

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from app.api.call import call_of
from app.api.named_models import names_of
from app.api.problem import field_errors
from app.api.schemas import NAMES
from app.errors import ClientGoneError, FieldError, InvalidRequestError, UnsupportedMediaError
from app.settings import VARIANTS

JSON = "application/json"
_LONGEST_NAME = 120

Checked = TypeVar("Checked", bound=BaseModel)


class JsonRoute(APIRoute):
    """Reads, checks, calls and answers, and refuses bodies that are not declared as JSON."""

    @cached_property
    def handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request, or raises the error that it met."""
        return self.get_route_handler()

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint: Callable[..., Awaitable[BaseModel]] = self.endpoint
        model: type[BaseModel] = get_type_hints(endpoint)["body"]

        async def handle(request: Request) -> Response:
            if not _is_json(request.headers.get("content-type", "")):
                raise UnsupportedMediaError(
                    f"send the body as JSON with the header 'Content-Type: {JSON}'"
                )
            value = parsed(await read_body(request))
            body = validated(model, value, names_of(request.scope))
            call = call_of(request)
            answer = await endpoint(body=body, call=call)
            return Response(
                answer.__pydantic_serializer__.to_json(answer),
                media_type=JSON,
                headers=call.response_headers,
            )

        return handle


async def read_body(request: Request) -> bytes:
    """Return the whole body; raises ``ClientGoneError`` when its caller leaves within it."""
    try:
        return await request.body()
    except ClientDisconnect as error:
        raise ClientGoneError("the client closed the connection within its body") from error


def parsed(body: bytes) -> Any:
    """Return the body's value, or say where it is not JSON."""
    if not body:
        raise InvalidRequestError([FieldError("body", "is required: an object in JSON")])
    try:
        # Many clients on Windows begin with a byte order mark; RFC 8259 lets it be ignored.
        return json.loads(
            body.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_no_constant
        )
    except json.JSONDecodeError as error:
        place = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise _not_json(place) from error
    except UnicodeDecodeError as error:
        raise _not_json(f"byte {error.start} is not UTF-8") from error
    except RecursionError as error:
        raise _not_json("it is nested too deeply") from error
    except ValueError as error:
        raise _not_json(str(error)) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that names a field twice: readers differ in which of the two they take."""
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the field {twice[:_LONGEST_NAME]!r} is there twice")
    return made


def _no_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python would read though JSON has none."""
    raise ValueError(f"{name} is no value of JSON")


def _not_json(reason: str) -> InvalidRequestError:
    return InvalidRequestError([FieldError("body", f"is not valid JSON: {reason}")])


def validated(model: type[Checked], value: Any, names: Sequence[str] = VARIANTS) -> Checked:
    """Return the value as a model, or raise ``InvalidRequestError`` that names what is wrong.

    Args:
        model: the type of the body.
        value: read from JSON.
        names: of the models that a request may name.
    """
    try:
        return model.model_validate(value, context={NAMES: names})
    except ValidationError as error:
        raise InvalidRequestError(field_errors(error.errors())) from error


def _is_json(content_type: str) -> bool:
    if content_type == JSON:
        return True
    header = Message()
    header["content-type"] = content_type
    subtype = header.get_content_subtype()
    return header.get_content_maintype() == "application" and (
        subtype == "json" or subtype.endswith("+json")
    )
