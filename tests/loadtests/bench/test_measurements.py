"""Each measurement runs to its end, on real servers and tiny models; no number is judged."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from loadtests.bench import (
    encoder,
    engines,
    fairness,
    kills,
    lone,
    null,
    overload,
    peers,
    plain,
    plan,
    prompts,
    saturation,
    shares,
    soak,
)
from loadtests.bench import training as training_steps
from loadtests.bench.results import BenchResult
from loadtests.peers.catalogue import MOSEC
from loadtests.peers.environments import SERVERS

BRIEFLY: dict[Any, dict[str, Any]] = {
    engines: {"BATCHES": 5, "ROUNDS": 1, "LOAD_S": 0.5},
    fairness: {"WARM_UP_S": 0, "BULK_LEAD_S": 0.3, "SINGLES": 3},
    kills: {"WARM_UP_S": 0.0, "ROUNDS": 1, "ROUND_S": 1.0, "PAUSE_S": 0.3},
    lone: {"WARM_UP_S": 0, "ITEMS": 2, "REQUESTS": 2},
    null: {"WARM_UP_S": 1, "ROUNDS": 1, "ROUND_S": 1},
    overload: {"WARM_UP_S": 0, "CAPACITY_S": 0.5, "LONE_S": 0, "OVERLOAD_S": 2.0},
    peers: {
        "ROUNDS": 1,
        "ROUND_S": 0.2,
        "WARM_UP_S": 0.1,
        "TRIAL_S": 0.1,
        "ITEMS": 8,
        "PEERS": (MOSEC,),
    },
    plain: {"WARM_UP_S": 0, "ROUNDS": 1, "ROUND_S": 0.5},
    plan: {
        "WARM_UP_S": 0,
        "CAPACITY_S": 0.5,
        "LOADS": (0.3, 0.9),
        "ROUNDS": 1,
        "ROUND_S": 1.0,
        "SIMULATED": 500,
        "ITEMS": 8,
    },
    saturation: {"WARM_UP_S": 0, "ROUNDS": 1, "ROUND_S": 0.5, "ENGINE_ITEMS": 8},
    shares: {"LEAD_S": 0.3, "ROUNDS": 1, "ROUND_S": 4.0, "LOOK_S": 0.2},
    soak: {"MINUTES": 0.1, "EARLY_S": (0, 30), "LAST_S": 30},
}


def measured(module: Any, changes: dict[str, Any], patch: pytest.MonkeyPatch) -> list[BenchResult]:
    for name, value in changes.items():
        patch.setattr(module, name, value)
    results: list[BenchResult] = module.measure(Console(stderr=True))
    return results


def assert_sound(results: list[BenchResult]) -> None:
    assert results
    for each in results:
        assert each.unit
        assert math.isfinite(each.value)
        assert 0 < each.least <= each.value <= each.greatest


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_settings")
@pytest.mark.parametrize("module", BRIEFLY, ids=lambda module: module.__name__.split(".")[-1])
def test_a_measurement_of_servers_comes_to_results(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if module is null and shutil.which("wrk") is None:
        pytest.skip("wrk is not installed")
    if module is peers and not SERVERS.is_installed:
        pytest.skip("no peers: `python -m loadtests.peers.install` makes .venv-peers")
    monkeypatch.delenv("XCOPA_DATA_DIR", raising=False)
    assert_sound(measured(module, BRIEFLY[module], monkeypatch))


@pytest.mark.slow
def test_the_encoder_and_its_peer_come_to_results_that_agree(
    embedded_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = encoder.ModelShape("embedded", "embedded model", 2, "")
    results = measured(encoder, {"SHAPES": (shape,), "BATCH_ITEMS": 2}, monkeypatch)
    assert_sound(results)
    assert results[0].details["logits_apart"] < 1e-4


@pytest.mark.slow
def test_prompts_come_to_results_and_fewer_words_to_fewer_tokens(
    embedded_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = measured(prompts, {"BATCHES": 3, "BATCH_ITEMS": 2}, monkeypatch)
    assert_sound(results)
    tokens = [each.value for each in results if each.unit == "tokens"]
    assert len(tokens) == len(prompts.PROMPTS)
    assert max(tokens) == tokens[0]
    assert min(tokens) == tokens[-1]


@pytest.mark.slow
def test_a_training_step_and_its_peer_come_to_results(
    embedded_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_sound(measured(training_steps, {"ITEMS": 2, "BATCHES": 2}, monkeypatch))
