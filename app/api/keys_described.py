"""What OpenAPI, and so ``/docs``, says of API keys, where they are checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI

from app.api.caller import KEY_HEADER
from app.api.described import KEY_REFUSALS
from app.api.probe_paths import MODEL_READY
from app.api.problem import OPEN_INFERENCE
from app.api.require_key import needs_key

SCHEMES: dict[str, dict[str, str]] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": KEY_HEADER},
}
_EITHER: list[dict[str, list[str]]] = [{name: []} for name in SCHEMES]
_METHODS = ("get", "post")


def describe_keys(describe: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """Return what makes the description of an API whose keys are checked.

    Args:
        describe: makes it as it is without keys; what it makes is made once and changed here.
    """

    def described() -> dict[str, Any]:
        made = describe()
        components = made.setdefault("components", {})
        if "securitySchemes" in components:
            return made
        components["securitySchemes"] = SCHEMES
        for path, operation in _operations(made):
            if _needs_key(path):
                operation["security"] = _EITHER
                operation["responses"] = _refusals(path) | operation["responses"]
            else:
                operation["security"] = []
        return made

    return described


def install(app: FastAPI) -> None:
    """Have an application describe its keys."""
    app.openapi = describe_keys(app.openapi)  # type: ignore[method-assign]


def _operations(made: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in made["paths"].items():
        yield from ((path, item[method]) for method in _METHODS if method in item)


def _needs_key(path: str) -> bool:
    return path != MODEL_READY and needs_key({"path": path})


def _refusals(path: str) -> dict[str, Any]:
    if not OPEN_INFERENCE.search(path):
        return {str(status): answer for status, answer in KEY_REFUSALS.items()}
    schema = {"schema": {"$ref": "#/components/schemas/ProtocolError"}}
    return {
        str(status): {**answer, "content": {"application/json": schema}}
        for status, answer in KEY_REFUSALS.items()
    }
