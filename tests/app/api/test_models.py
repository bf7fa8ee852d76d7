"""The card of each model: what is loaded, what it reads, and how it is batched."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from app.engine.kernel_choice import Kernel, KernelChoice, Kernels, Product, Then
from app.engine.prompt import Prompt
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
        kernels=KERNELS,
    )
    return SimpleNamespace(variant=variant, calibration=CALIBRATION)


async def cards(**settings: Any) -> dict[str, Any]:
    runtime = StandInRuntime(served={"direct": served("a"), "stilts": served("b")})
    response = await fetch(application(runtime, **settings), "/models")
    assert response.status_code == 200
    return {card["name"]: card for card in response.json()["models"]}


async def test_a_card_describes_what_is_loaded() -> None:
    assert (await cards(default_model="stilts"))["direct"] == {
        "name": "direct",
        "source": "someone/model",
        "revision": "a",
        "parameters": 7,
        "max_tokens": 512,
        "prompt": {"cause": "Why?", "effect": "And then?"},
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
