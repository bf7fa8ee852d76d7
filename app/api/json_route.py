"""A route whose body is JSON and nothing else, with an error that says where it is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from email.message import Message
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from app.errors import UnsupportedMediaError


class JsonRequest(Request):
    """Turns every way in which a body can fail to be JSON into the one that FastAPI expects."""

    async def json(self) -> Any:
        body = await self.body()
        try:
            return json.loads(body.decode("utf-8"))
        except json.JSONDecodeError as error:
            place = f"{error.msg} at line {error.lineno}, column {error.colno}"
            raise json.JSONDecodeError(place, "", 0) from error
        except UnicodeDecodeError as error:
            raise json.JSONDecodeError(f"byte {error.start} is not UTF-8", "", 0) from error
        except RecursionError as error:
            raise json.JSONDecodeError("it is nested too deeply", "", 0) from error
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from error


class JsonRoute(APIRoute):
    """Reads bodies with ``JsonRequest`` and refuses those that are not declared as JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            if request.method == "POST" and not _is_json(request.headers.get("content-type", "")):
                raise UnsupportedMediaError(
                    "send the body as JSON with the header 'Content-Type: application/json'"
                )
            return await handle(JsonRequest(request.scope, request.receive))

        return handle_json


def _is_json(content_type: str) -> bool:
    header = Message()
    header["content-type"] = content_type
    subtype = header.get_content_subtype()
    return header.get_content_maintype() == "application" and (
        subtype == "json" or subtype.endswith("+json")
    )
