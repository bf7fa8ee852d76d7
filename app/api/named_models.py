"""The names of the models, as one application has them, in requests and in its description."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI
from starlette.types import Scope

from app.api.schemas import listed
from app.errors import FieldError, InvalidRequestError
from app.model_settings.names import quoted
from app.runtime import Runtime
from app.settings import VARIANTS

QUERY = "models"
"""The parameter of a query that says which models are asked: names with commas between."""

_LONGEST_ECHO = 40


def names_of(scope: Scope) -> Sequence[str]:
    """Return the names that the application of a request knows, whether or not they are loaded."""
    runtime: Runtime = scope["app"].state.runtime
    return runtime.names


def chosen(asked: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the models that a query names, each once; all of them where it names none.

    Args:
        asked: the values of the parameter.
        names: of all models.

    Raises:
        InvalidRequestError: a name is not one of them.
    """
    if not asked:
        return list(names)
    found = list(dict.fromkeys(name for value in asked for name in value.split(",")))
    for name in found:
        if name not in names:
            message = f"must be {quoted(names)}, or several of them with commas between; "
            message += f"{name[:_LONGEST_ECHO]!r} is not one"
            raise InvalidRequestError([FieldError(QUERY, message)])
    return found


PARAMETER: dict[str, Any] = {
    "name": QUERY,
    "in": "query",
    "required": False,
    "description": "Which models are asked, with commas between; by default all.",
    "style": "form",
    "explode": False,
    "schema": {
        "type": "array",
        "items": {"type": "string", "enum": list(VARIANTS)},
        "minItems": 1,
    },
}
"""How OpenAPI describes that parameter, for the pair that ships."""


def install(app: FastAPI, names: Callable[[], Sequence[str]]) -> None:
    """Have an application describe the models that it has at the time."""
    describe = app.openapi
    named: Sequence[str] = ()

    def described() -> dict[str, Any]:
        nonlocal named
        if named != (now := names()):
            app.openapi_schema = None
        if app.openapi_schema is None:
            _rename(describe(), now)
            named = now
        return describe()

    app.openapi = described  # type: ignore[method-assign]


def _rename(part: Any, names: Sequence[str]) -> None:
    """Put the names wherever a description lists those that ship."""
    if isinstance(part, list):
        for each in part:
            _rename(each, names)
    if not isinstance(part, dict):
        return
    if part.get("enum") == list(VARIANTS):
        part["enum"] = list(names)
    if isinstance(said := part.get("description"), str):
        part["description"] = said.replace(listed(VARIANTS), listed(names))
    for each in part.values():
        _rename(each, names)
