"""Takes spans over HTTP and throws them away, as cheaply as a collector could.

uvicorn loadtests.bench.trace_receiver:receiver
"""

from __future__ import annotations

from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

RECEIVED = "/received"
"""Answers how many exports came."""

_EXPORTS = 0


async def export(request: Request) -> Response:
    """Take an export; an empty message of OTLP says that all of it was taken."""
    global _EXPORTS  # noqa: PLW0603 - the state of this process, which ends with it
    await request.body()
    _EXPORTS += 1
    return Response(b"", HTTPStatus.OK, media_type="application/x-protobuf")


async def received(_: Request) -> Response:
    return Response(str(_EXPORTS))


receiver = Starlette(
    routes=[Route("/v1/traces", export, methods=["POST"]), Route(RECEIVED, received)]
)
