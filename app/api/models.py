"""``GET /models``: what is served."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter

from app.api.deps import RuntimeDep, SettingsDep
from app.api.schemas import ModelCard, ModelsResponse

router = APIRouter(tags=["models"])


@router.get("/models", summary="The models that are served")
async def models(runtime: RuntimeDep, settings: SettingsDep) -> ModelsResponse:
    cards = [
        ModelCard(
            name=name,
            source=variant.source,
            revision=variant.revision,
            parameters=variant.parameters,
            max_tokens=variant.tokenizer.max_tokens,
            prompt=asdict(variant.tokenizer.prompt),
            default=name == settings.default_model,
        )
        for name, variant in runtime.served_variants.items()
    ]
    return ModelsResponse(models=cards)
