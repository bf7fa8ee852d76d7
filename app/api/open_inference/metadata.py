"""``GET /v2``: what the server and its models are, and whether they are ready."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response, status

from app import __version__
from app.api.call import RuntimeDep, SettingsDep
from app.api.open_inference.models import revision_of
from app.api.open_inference.schemas import (
    ModelMetadata,
    ModelReady,
    ProtocolError,
    ServerLive,
    ServerMetadata,
    ServerReady,
)
from app.api.open_inference.tensors import INPUTS, OUTPUTS
from app.runtime import Runtime

EXTENSIONS = ["binary_tensor_data"]
REPOSITORY = "model_repository"
PLATFORM = "pytorch_safetensors"

NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": ProtocolError, "description": "No such model, or not of this version"},
    503: {"model": ProtocolError, "description": "The models are loading"},
}
NOT_READY: dict[int | str, dict[str, Any]] = {
    404: NOT_FOUND[404],
    503: {"model": ModelReady, "description": "Not ready"},
}

router = APIRouter(prefix="/v2", tags=["open inference protocol"])


@router.get("/", include_in_schema=False)
@router.get("", summary="What the server is")
async def server_metadata(settings: SettingsDep) -> ServerMetadata:
    extensions = [*EXTENSIONS, *([REPOSITORY] if settings.model_control else [])]
    return ServerMetadata(name="xcopa", version=__version__, extensions=extensions)


@router.get("/health/live", summary="Whether requests are answered at all")
async def server_live() -> ServerLive:
    return ServerLive(live=True)


@router.get(
    "/health/ready",
    summary="Whether every model is ready",
    responses={503: {"model": ServerReady, "description": "Not ready"}},
)
async def server_ready(runtime: RuntimeDep, response: Response) -> ServerReady:
    _say_status(runtime, response)
    return ServerReady(ready=runtime.ready)


@router.get("/models/{name}", summary="What a model takes and gives", responses=NOT_FOUND)
async def model_metadata(name: str, runtime: RuntimeDep) -> ModelMetadata:
    return _metadata(runtime, name, None)


@router.get(
    "/models/{name}/versions/{version}", summary="The same of a version", responses=NOT_FOUND
)
async def version_metadata(name: str, version: str, runtime: RuntimeDep) -> ModelMetadata:
    return _metadata(runtime, name, version)


@router.get("/models/{name}/ready", summary="Whether a model is ready", responses=NOT_READY)
async def model_ready(name: str, runtime: RuntimeDep, response: Response) -> ModelReady:
    return _ready(runtime, response, name, None)


@router.get(
    "/models/{name}/versions/{version}/ready", summary="The same of a version", responses=NOT_READY
)
async def version_ready(
    name: str, version: str, runtime: RuntimeDep, response: Response
) -> ModelReady:
    return _ready(runtime, response, name, version)


def _metadata(runtime: Runtime, name: str, version: str | None) -> ModelMetadata:
    revision = revision_of(runtime, name, version)
    return ModelMetadata(
        name=name, versions=[revision], platform=PLATFORM, inputs=INPUTS, outputs=OUTPUTS
    )


def _ready(runtime: Runtime, response: Response, name: str, version: str | None) -> ModelReady:
    revision_of(runtime, name, version)
    _say_status(runtime, response)
    return ModelReady(name=name, ready=runtime.ready)


def _say_status(runtime: Runtime, response: Response) -> None:
    if not runtime.ready:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
