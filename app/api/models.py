"""``GET /models``: what is served."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter

from app.api.call import RuntimeDep, SettingsDep
from app.api.described import LOADING
from app.api.schemas import (
    Batching,
    LinearKernels,
    MeasuredBatch,
    MeasuredKernel,
    ModelCard,
    ModelsResponse,
)
from app.engine.kernel_choice import Kernels
from app.serving.calibration import Calibration
from app.settings import Settings

router = APIRouter(tags=["models"])


@router.get("/models", summary="The models that are served", responses=LOADING)
async def models(runtime: RuntimeDep, settings: SettingsDep) -> ModelsResponse:
    cards = [
        ModelCard(
            name=name,
            source=served.variant.source,
            revision=served.variant.revision,
            parameters=served.variant.parameters,
            max_tokens=served.variant.tokenizer.max_tokens,
            prompt=asdict(served.variant.tokenizer.prompt),
            batching=_batching(served.calibration, settings),
            linear_kernels=_linear_kernels(served.variant.kernels),
            default=name == settings.default_model,
        )
        for name, served in runtime.served.items()
    ]
    return ModelsResponse(models=cards)


def _batching(calibration: Calibration, settings: Settings) -> Batching:
    profile = calibration.profile
    return Batching(
        batch_tokens=profile.batch_tokens,
        batch_tokens_from="calibration" if settings.batch_tokens is None else "setting",
        fixed_seconds=profile.curve.fixed,
        token_seconds=profile.curve.per_token,
        measured=[MeasuredBatch(tokens=s.tokens, seconds=s.seconds) for s in calibration.samples],
    )


def _linear_kernels(kernels: Kernels) -> LinearKernels:
    measured = [
        MeasuredKernel(
            layer=str(choice.product),
            kernel=choice.kernel,
            gain=choice.gain,
            token_seconds={str(kernel): taken for kernel, taken in choice.token_seconds.items()},
        )
        for choice in kernels.choices
    ]
    return LinearKernels(measured=measured, otherwise=kernels.otherwise)
