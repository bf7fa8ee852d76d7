"""How fast this machine is: the models are loaded and measured as the service does at its start."""

from __future__ import annotations

import asyncio
from typing import Any

from app.api.models import models
from app.main import create_app
from app.runtime import Runtime
from app.settings import Settings


def models_here(settings: Settings) -> dict[str, Any]:
    """Return what ``GET /models`` of a service with these settings would answer.

    Raises:
        StartError: the models cannot be loaded.
    """
    return asyncio.run(_models(settings))


async def _models(settings: Settings) -> dict[str, Any]:
    runtime: Runtime = create_app(settings).state.runtime
    await runtime.start()
    try:
        return (await models(runtime, settings)).model_dump(mode="json")
    finally:
        await runtime.stop()
