"""The variants that the settings name, with engines in processes that this test does not start.

``test_held.py`` starts them; here a fault is seen where it is made.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from app.engine.compute import Compute
from app.engine.pool_engines import PoolEngine
from app.engine.processes.messages import Order
from app.errors import StartError
from app.settings import Settings
from app.weights import variant
from app.weights.facts import Facts
from app.weights.held import hold_here
from app.weights.job import FACTORY, Job
from app.weights.variant import load_models
from tests import tiny


class StandInPool:
    """Keeps its order, and answers with the facts that a template would send."""

    made: StandInPool

    def __init__(self, order: Order) -> None:
        StandInPool.made = self
        self.order = order
        self.models: Sequence[str] = ()
        self.stopped = False

    def start(self) -> Mapping[str, Facts]:
        job = self.order.argument
        assert isinstance(job, Job)
        held = hold_here(job.checkpoints, job.cache_dir, Compute(kernel="torch"))
        return {name: each.facts for name, each in held.items()}

    def number_models(self, models: Sequence[str]) -> None:
        self.models = models

    def stop(self, *_: Any) -> None:
        self.stopped = True


@pytest.fixture
def settings(
    tiny_direct: Path, tiny_stilts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.setattr(variant, "EnginePool", StandInPool)
    return Settings(
        models={"direct": str(tiny_direct), "stilts": str(tiny_stilts)},
        cache_dir=tmp_path / "cache",
        threads=3,
        device="cpu",
        precision="fp32",
        linear_kernel="torch-transposed",
        engines=2,
    )


def test_the_order_says_all_that_an_engine_needs(settings: Settings) -> None:
    load_models(settings)
    order = StandInPool.made.order
    assert order.factory == FACTORY
    assert order.log_level == logging.getLogger().getEffectiveLevel()
    assert isinstance(order.argument, Job)
    assert list(order.argument.checkpoints) == ["direct", "stilts"]
    for name, checkpoint in order.argument.checkpoints.items():
        assert checkpoint.source == settings.models.model_dump()[name]
    assert (order.argument.cache_dir, order.argument.threads) == (settings.cache_dir, 3)
    assert (order.argument.device, order.argument.precision) == ("cpu", "fp32")
    assert (order.argument.kernel, order.argument.engines) == ("torch-transposed", 2)


def test_each_variant_has_its_facts_and_an_engine_of_the_pool(settings: Settings) -> None:
    variants = load_models(settings)
    pool = StandInPool.made
    assert list(variants) == list(pool.models) == ["direct", "stilts"]
    here = load_models(settings.model_copy(update={"engines": 0}))
    for name, found in variants.items():
        assert found.name == name
        assert isinstance(found.engine, PoolEngine)
        assert cast("object", found.engine.pool) is pool
        assert (found.source, found.revision) == (here[name].source, here[name].revision)
        assert found.tokenizer.max_tokens == here[name].tokenizer.max_tokens
    assert not pool.stopped


def test_a_variant_that_cannot_be_asked_stops_the_pool(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its engines would stay behind, and nobody would know of them."""
    broken = tiny.multiple_choice(tmp_path / "broken", seed=2)
    models = settings.models.model_copy(update={"stilts": str(broken)})
    start = StandInPool.start

    def break_afterwards(pool: StandInPool) -> Mapping[str, Facts]:
        facts = start(pool)
        (broken / "xcopa.json").write_text("{", "utf-8")
        return facts

    monkeypatch.setattr(StandInPool, "start", break_afterwards)
    with pytest.raises(StartError, match=r"^XCOPA_MODELS__STILTS: .*xcopa\.json must hold"):
        load_models(settings.model_copy(update={"models": models}))
    assert StandInPool.made.stopped


def test_where_no_process_is_asked_for_none_is_made(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(order: Order) -> None:
        raise AssertionError("a pool is made")

    monkeypatch.setattr(variant, "EnginePool", refuse)
    asked: list[tuple[object, ...]] = []

    def set_up(*how: object) -> Compute:
        asked.append(how)
        return Compute(kernel="torch")

    monkeypatch.setattr("app.engine.compute.set_up", set_up)
    assert list(load_models(settings.model_copy(update={"engines": 0}))) == ["direct", "stilts"]
    assert asked == [(3, "cpu", "fp32", "torch-transposed")]


def test_the_log_says_how_many_threads_a_pass_uses_and_why(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        load_models(settings)
    assert "a forward pass uses 3 threads, in engines: " in caplog.text
    for name in ("direct", "stilts"):
        assert f"loaded {name} from " in caplog.text
        assert f"{name} reads " in caplog.text
