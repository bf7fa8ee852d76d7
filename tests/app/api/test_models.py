"""The card of each model: what is loaded, what it reads, and how it is batched."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from app.engine.kernel_choice import Kernel, KernelChoice, Kernels, Product, Then
from app.engine.plan import EnginePlan, MeasuredPlan
from app.engine.prompt import Prompt
from app.model_settings.variant_settings import Shadow
from app.serving.calibration import Calibration, Sample
from app.serving.work import ModelProfile, ServiceCurve
from tests.app.api.stand_in import StandInRuntime, application, fetch

pytestmark = pytest.mark.anyio

CALIBRATION = Calibration(
    (Sample(32, 0.125), Sample(64, 0.25)), ModelProfile(512, ServiceCurve(0.5, 0.0625))
)


SECONDS = {Kernel.ONEDNN_FUSED: 5e-6, Kernel.ONEDNN: 4e-6}
KERNELS = Kernels(
    (KernelChoice.of(Product(384, 384, Then.SUM), SECONDS, Kernel.ONEDNN_FUSED),),
    Kernel.ONEDNN_FUSED,
)


def served(revision: str) -> SimpleNamespace:
    tokenizer = SimpleNamespace(max_tokens=512, prompt=Prompt("Why?", "And then?"))
    variant = SimpleNamespace(
        source="someone/model",
        revision=revision,
        parameters=7,
        tokenizer=tokenizer,
        temperature=1.5,
        kernels=KERNELS,
        weight=3,
        adapter="merged",
        shadow=Shadow("direct", 0.25) if revision == "b" else None,
    )
    return SimpleNamespace(variant=variant, calibration=CALIBRATION)


async def cards(**settings: Any) -> dict[str, Any]:
    runtime = StandInRuntime(served={"direct": served("a"), "stilts": served("b")})
    response = await fetch(application(runtime, **settings), "/models")
    assert response.status_code == 200
    return {card["name"]: card for card in response.json()["models"]}


async def test_a_shadow_says_whose_items_it_is_asked() -> None:
    assert (await cards())["stilts"]["shadow"] == {"of": "direct", "share": 0.25}


async def test_a_card_describes_what_is_loaded() -> None:
    assert (await cards(default_model="stilts"))["direct"] == {
        "name": "direct",
        "source": "someone/model",
        "revision": "a",
        "parameters": 7,
        "max_tokens": 512,
        "prompt": {"cause": "Why?", "effect": "And then?", "order": "premise-first"},
        "temperature": 1.5,
        "adapter": "merged",
        "shadow": None,
        "batching": {
            "batch_tokens": 512,
            "batch_tokens_from": "calibration",
            "fixed_seconds": 0.5,
            "token_seconds": 0.0625,
            "measured": [
                {"tokens": 32, "seconds": 0.125},
                {"tokens": 64, "seconds": 0.25},
            ],
        },
        "linear_kernels": {
            "measured": [
                {
                    "layer": "384 to 384, then sum",
                    "kernel": "onednn",
                    "gain": pytest.approx(1.25),
                    "token_seconds": {"onednn-fused": 5e-6, "onednn": 4e-6},
                }
            ],
            "otherwise": "onednn-fused",
        },
        "weight": 3,
        "default": False,
    }


@pytest.mark.parametrize("default", ["direct", "stilts"])
async def test_one_model_is_the_default(default: str) -> None:
    said = await cards(default_model=default)
    assert [name for name, card in said.items() if card["default"]] == [default]


async def test_it_says_when_a_setting_chose_the_token_budget() -> None:
    said = await cards(batch_tokens=512)
    assert {card["batching"]["batch_tokens_from"] for card in said.values()} == {"setting"}


async def test_each_model_has_its_own_revision() -> None:
    said = await cards()
    assert {name: card["revision"] for name, card in said.items()} == {"direct": "a", "stilts": "b"}


async def engines_card(plan: EnginePlan | None, **settings: Any) -> dict[str, Any] | None:
    runtime = StandInRuntime(served={}, engine_plan=plan)
    response = await fetch(application(runtime, **settings), "/models")
    card: dict[str, Any] | None = response.json()["engines"]
    return card


async def test_it_says_how_many_engines_there_are_and_what_was_measured() -> None:
    rivals = (MeasuredPlan(2, 1, 1_000.0, 0.25), MeasuredPlan(1, 2, 1_250.0, 0.125))
    assert await engines_card(EnginePlan(1, 2, rivals, 1.25)) == {
        "count": 1,
        "threads": 2,
        "count_from": "measurement",
        "gain": 1.25,
        "measured": [
            {"engines": 2, "threads": 1, "tokens_per_second": 1_000.0, "lone_seconds": 0.25},
            {"engines": 1, "threads": 2, "tokens_per_second": 1_250.0, "lone_seconds": 0.125},
        ],
    }


@pytest.mark.parametrize(("engines", "source"), [("auto", "rule"), (3, "setting")])
async def test_it_says_why_no_number_of_engines_was_measured(engines: Any, source: str) -> None:
    card = await engines_card(EnginePlan(3, 1), engines=engines)
    assert card is not None
    assert (card["count"], card["count_from"], card["measured"]) == (3, source, [])


async def test_where_the_service_runs_the_models_there_is_no_engine_to_tell_of() -> None:
    assert await engines_card(None, engines=0) is None
