"""The shortest way to a JSON route: from its path to its handler, in one step.

FastAPI would try the routes one after the other, in routers within routers, and wrap each call for
what other kinds of routes need. That takes a sixth of what a call costs this process, and most
under overload, when it answers little but refusals (``docs/decisions/0011-lean-http.md``).
"""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api import problem
from app.api.json_route import JsonRoute
from app.errors import ServiceError


class DispatchMiddleware:
    """Answers calls of JSON routes; whatever else is asked goes to the application."""

    def __init__(self, app: ASGIApp, routers: Iterable[APIRouter]) -> None:
        self.app = app
        routes = (route for router in routers for route in router.routes)
        self._routes = {route.path: route for route in routes if isinstance(route, JsonRoute)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._route(scope)
        if route is None:
            await self.app(scope, receive, send)
            return
        scope["route"] = route
        request = Request(scope, receive, send)
        try:
            response = await route.handler(request)
        except ServiceError as error:
            response = problem.of_service_error(request, error)
        except HTTPException as error:
            response = problem.of_http_exception(request, error)
        await response(scope, receive, send)

    def _route(self, scope: Scope) -> JsonRoute | None:
        if scope["type"] != "http" or scope["method"] != "POST":
            return None
        return self._routes.get(scope["path"].removeprefix(scope.get("root_path", "")))
