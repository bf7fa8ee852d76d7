"""``GET /models``: what is served."""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

from fastapi import APIRouter

from app.api.call import RuntimeDep, SettingsDep
from app.api.described import LOADING
from app.api.schemas import (
    Batching,
    EnginesCard,
    LinearKernels,
    MeasuredBatch,
    MeasuredEngines,
    MeasuredKernel,
    ModelCard,
    ModelsResponse,
    PromptCard,
    ShadowCard,
)
from app.engine.kernel_choice import Kernels
from app.engine.plan import EnginePlan
from app.model_settings.variant_settings import Shadow
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
            prompt=PromptCard(**asdict(served.variant.tokenizer.prompt)),
            temperature=served.variant.temperature,
            batching=_batching(served.calibration, settings),
            linear_kernels=_linear_kernels(served.variant.kernels),
            weight=served.variant.weight,
            adapter=served.variant.adapter,
            shadow=_shadow(served.variant.shadow),
            default=name == settings.default_model,
        )
        for name, served in runtime.served.items()
    ]
    return ModelsResponse(models=cards, engines=_engines(runtime.engine_plan, settings))


def _shadow(shadow: Shadow | None) -> ShadowCard | None:
    return None if shadow is None else ShadowCard(of=shadow.of, share=shadow.share)


def _engines(plan: EnginePlan | None, settings: Settings) -> EnginesCard | None:
    if plan is None:
        return None
    measured = [
        MeasuredEngines(
            engines=each.engines,
            threads=each.threads,
            tokens_per_second=each.tokens_per_second,
            lone_seconds=each.lone_seconds,
        )
        for each in plan.measured
    ]
    return EnginesCard(
        count=plan.engines,
        threads=plan.threads,
        count_from=_source(plan, settings),
        gain=plan.gain,
        measured=measured,
    )


def _source(plan: EnginePlan, settings: Settings) -> Literal["measurement", "setting", "rule"]:
    if settings.engines != "auto":
        return "setting"
    return "measurement" if plan.measured else "rule"


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
