"""Ray, imported when it is needed: the service on one machine does without."""

from __future__ import annotations

import importlib
from typing import Any

from app.errors import StartError


def ray_library() -> Any:
    """Return the module ``ray``, with ``ray.serve`` imported.

    Raises:
        StartError: it is not installed; the message names the extra that brings it.
    """
    try:
        ray = importlib.import_module("ray")
        importlib.import_module("ray.serve")
    except ModuleNotFoundError as error:
        raise StartError(
            f"{error.name or 'ray'} is not installed; pip install 'xcopa-service[ray]' brings "
            "Ray Serve"
        ) from error
    return ray
