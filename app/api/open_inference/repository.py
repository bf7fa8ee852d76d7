"""``POST /v2/repository``: models are listed, loaded, replaced and unloaded at run time.

Specification: Triton's model repository extension of the protocol. Of a load's parameters
``source`` and ``also`` are this service's own; ``config`` and files, with which Triton's clients
may bring a model along, are refused. There is one repository, and a model has one version.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, get_type_hints

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from app.api.caller import holder_of
from app.api.json_route import parsed, read_body, validated
from app.api.open_inference.repository_schemas import (
    IndexEntry,
    IndexRequest,
    LoadRequest,
    UnloadRequest,
)
from app.api.open_inference.schemas import described_errors
from app.errors import NotAdminError
from app.model_repository import ModelRepository, ModelState

ERRORS = described_errors(
    {
        400: "The request is wrong",
        403: "The API key was revoked, or is no admin's",
        503: "Starting or shutting down; see Retry-After",
    }
)
CHANGE_ERRORS = described_errors(
    {
        404: "No such model is served",
        409: "A change is under way, or the model answers requests that name none",
        422: "A model cannot be loaded; those that were served are",
        507: "Memory would not suffice; nothing was loaded",
    }
)


class RepositoryRoute(APIRoute):
    """Lets in admins alone, and reads a body that may be empty, whatever its media type.

    Endpoints are ``async def endpoint(body: SomeModel, request: Request, ...path) -> Response``.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint: Callable[..., Coroutine[Any, Any, Response]] = self.endpoint
        model: type[BaseModel] = get_type_hints(endpoint)["body"]

        async def handle(request: Request) -> Response:
            _check_admin(request)
            content = await read_body(request)
            body = validated(model, parsed(content) if content.strip() else {})
            return await endpoint(body=body, request=request, **request.path_params)

        return handle


def _check_admin(request: Request) -> None:
    holder = holder_of(request.scope)
    if holder is None or not holder.admin:
        name = "a key" if holder is None else f"the key {holder.name}"
        raise NotAdminError(f"{name} may not change models; `xcopa keys add --admin` makes one")


router = APIRouter(
    prefix="/v2/repository",
    tags=["open inference protocol"],
    route_class=RepositoryRoute,
    responses=ERRORS,
)


def _repository(request: Request) -> ModelRepository:
    repository: ModelRepository = request.app.state.repository
    return repository


@router.post(
    "/index", summary="The models that are served or can be", response_model=list[IndexEntry]
)
async def index(body: IndexRequest, request: Request) -> Response:
    entries = [
        IndexEntry(name=each.name, version=each.version, state=each.state.value, reason=each.reason)
        for each in _repository(request).index()
        if each.state is ModelState.READY or not body.ready
    ]
    listed = ",".join(each.model_dump_json() for each in entries)
    return Response(f"[{listed}]", media_type="application/json")


@router.post(
    "/models/{name}/load",
    summary="Load a model, or replace it",
    description="Answers when the model is served and what it replaces is no more. Calls are "
    "answered throughout.",
    responses=CHANGE_ERRORS,
)
async def load(body: LoadRequest, request: Request, name: str) -> Response:
    asked = body.parameters
    await _repository(request).load(name, asked.source, asked.also)
    return Response()


@router.post(
    "/models/{name}/unload",
    summary="Stop serving a model",
    description="Answers when the model is no more. Calls that it has let in are answered.",
    responses=CHANGE_ERRORS,
)
async def unload(body: UnloadRequest, request: Request, name: str) -> Response:  # noqa: ARG001
    await _repository(request).unload(name)
    return Response()
