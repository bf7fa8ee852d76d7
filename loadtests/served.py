"""Which models a service has, and which of them are asked."""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from contextlib import closing

from pydantic import BaseModel, Field, ValidationError

from loadtests.target import TargetError, TargetService

_TIMEOUT_S = 10
_PATH = "/models"


class _Card(BaseModel):
    name: str


class _Models(BaseModel):
    models: list[_Card] = Field(min_length=1)


def served_models(service: TargetService) -> list[str]:
    """Ask a service for the names of its models.

    Raises:
        TargetError: it does not say.
    """
    connection = http.client.HTTPConnection(service.host, service.port, timeout=_TIMEOUT_S)
    try:
        with closing(connection):
            connection.request("GET", _PATH)
            with connection.getresponse() as answer:
                content = answer.read()
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
