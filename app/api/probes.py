"""``GET /livez``, ``/readyz``, ``/startupz`` and ``/metrics``.

Metrics have a router of their own, since they may be on another port than the predictions.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.api.call import RuntimeDep, metrics_of
from app.api.described import METRICS
from app.api.schemas import Status

router = APIRouter(tags=["operations"])
metrics_router = APIRouter(tags=["operations"])

_NOT_YET = 503


@router.get("/livez", summary="The process answers")
async def livez() -> Status:
    return Status(status="alive")


@router.get("/readyz", summary="The service admits work", responses={_NOT_YET: {"model": Status}})
async def readyz(runtime: RuntimeDep, response: Response) -> Status:
    if not runtime.ready:
        response.status_code = _NOT_YET
    return Status(status=runtime.condition)


@router.get("/startupz", summary="The models are loaded", responses={_NOT_YET: {"model": Status}})
async def startupz(runtime: RuntimeDep, response: Response) -> Status:
    if not runtime.started:
        response.status_code = _NOT_YET
        return Status(status=runtime.state.value)
    return Status(status="started")


@metrics_router.get(
    "/metrics", summary="Prometheus metrics", response_class=Response, responses=METRICS
)
async def metrics(request: Request) -> Response:
    accept = ",".join(request.headers.getlist("accept"))
    body, content_type = metrics_of(request).exposition(accept)
    return Response(body, headers={"Content-Type": content_type})
