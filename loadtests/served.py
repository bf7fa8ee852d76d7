"""Which models a service has, and which of them are asked."""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from contextlib import closing

from pydantic import BaseModel, Field, ValidationError

from app.keys.own_key import KEY_VARIABLE
from loadtests.own_headers import own_headers
from loadtests.target import TargetError, TargetService

_TIMEOUT_S = 10
_NEEDS_KEY = (401, 403)
_HOLDS = "holds the API key that is sent"
_PATH = "/models"


class _Card(BaseModel):
    name: str


class _Models(BaseModel):
    models: list[_Card] = Field(min_length=1)


def served_models(service: TargetService) -> list[str]:
    """Ask a service for the names of its models.

    Raises:
        TargetError: it does not say, or not without another API key.
        StartError: the API key cannot be one.
    """
    connection = http.client.HTTPConnection(service.host, service.port, timeout=_TIMEOUT_S)
    try:
        with closing(connection):
            connection.request("GET", _PATH, headers=own_headers())
            with connection.getresponse() as answer:
                status, content = answer.status, answer.read()
        if status in _NEEDS_KEY:
            raise TargetError(f"GET {service.url}{_PATH} answers {status}; {KEY_VARIABLE} {_HOLDS}")
        return [each.name for each in _Models.model_validate_json(content).models]
    except (OSError, http.client.HTTPException, ValidationError) as error:
        raise TargetError(
            f"GET {service.url}{_PATH} does not say which models there are"
        ) from error


def chosen_models(option: str, served: Sequence[str]) -> list[str]:
    """Return the models that an option names.

    Args:
        option: names with commas between; empty: all.
        served: those that the service has.

    Raises:
        TargetError: it has no such model.
    """
    wanted = [name.strip() for name in option.split(",")] if option else list(served)
    for name in wanted:
        if name not in served:
            there = ", ".join(served)
            raise TargetError(f"--variants {option}: {name!r} is not one of {there}")
    return wanted
