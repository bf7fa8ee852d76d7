"""Models in the processes of engines: the same answers and facts as in this one, and errors too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.engine.pool import EnginePool
from app.engine.pool_engines import pool_of
from app.engine.processes import nodes
from app.engine.processes.messages import SharedWeights
from app.errors import StartError
from app.model_settings.sources import ModelSources
from app.settings import Settings
from app.weights import held
from app.weights.job import Job
from app.weights.variant import Variant, load_models
from tests import tiny
from tests.conftest import ROOT

ROWS = [(0, 9, 8, 7, 2), (0, 5, 2), (0, *range(5, 200), 2), (0, 7, 7, 2)]


def settings(direct: Path, stilts: Path, **changes: Any) -> Settings:
    sources = ModelSources(direct=str(direct), stilts=str(stilts))
    return Settings(**{"models": sources, "threads": 1, "linear_kernel": "torch", **changes})


@pytest.fixture(scope="module")
def here(tiny_direct: Path, tiny_stilts: Path) -> Mapping[str, Variant]:
    return load_models(settings(tiny_direct, tiny_stilts, engines=0))


@pytest.fixture(scope="module")
def pooled(tiny_direct: Path, tiny_stilts: Path) -> Iterator[Mapping[str, Variant]]:
    variants = load_models(settings(tiny_direct, tiny_stilts, engines=2))
    yield variants
    running(variants).stop()


def running(variants: Mapping[str, Variant]) -> EnginePool:
    pool = pool_of([variant.engine for variant in variants.values()])
    assert pool is not None
    return pool


def test_engines_in_processes_answer_what_one_in_this_process_does(
    here: Mapping[str, Variant], pooled: Mapping[str, Variant]
) -> None:
    for name, variant in here.items():
        expected = variant.engine.logits(ROWS)
        assert pooled[name].engine.logits(ROWS) == pytest.approx(expected, abs=1e-5)
    assert pooled["direct"].engine.logits(ROWS) != pooled["stilts"].engine.logits(ROWS)


def test_an_engine_that_is_replaced_answers_the_same(pooled: Mapping[str, Variant]) -> None:
    row = ROWS[:1]  # on one engine, so that the batch is the same
    expected = pooled["stilts"].engine.logits(row)
    for pid in running(pooled).pids.values():
        os.kill(pid, signal.SIGKILL)
    assert pooled["stilts"].engine.logits(row) == expected


def test_what_is_known_of_a_model_is_the_same(
    here: Mapping[str, Variant], pooled: Mapping[str, Variant]
) -> None:
    for name, variant in here.items():
        for field in ("name", "source", "revision", "parameters", "kernels"):
            assert getattr(pooled[name], field) == getattr(variant, field)
        assert pooled[name].tokenizer.max_tokens == variant.tokenizer.max_tokens
        assert pooled[name].working_bytes == 2 * variant.working_bytes, "of both engines"


def test_no_thread_runs_where_engines_are_forked(pooled: Mapping[str, Variant]) -> None:
    """A library's threads do not survive a fork, and what they held stays held."""
    for pid in running(pooled).templates.pids:
        assert psutil.Process(pid).num_threads() == 1


@pytest.mark.slow
def test_kernels_are_measured_with_threads_and_no_thread_is_left_where_engines_are_forked(
    tiny_direct: Path, tiny_stilts: Path, tmp_path: Path
) -> None:
    variants = load_models(
        settings(
            tiny_direct,
            tiny_stilts,
            engines=1,
            threads=2,
            linear_kernel="auto",
            cache_dir=tmp_path,
        )
    )
    try:
        kernels = variants["direct"].kernels
        assert kernels.choices
        assert variants["stilts"].kernels == kernels, "of equal shapes, measured once"
        assert all(choice.token_seconds for choice in kernels.choices)
        [first, _] = running(variants).templates.pids
        assert psutil.Process(first).num_threads() == 1
        assert len(variants["direct"].engine.logits(ROWS)) == len(ROWS)
    finally:
        running(variants).stop()


@pytest.mark.slow
def test_the_number_of_engines_is_measured_and_the_next_start_measures_nothing(
    tiny_direct: Path, tiny_stilts: Path, tmp_path: Path
) -> None:
    wanted = settings(tiny_direct, tiny_stilts, engines="auto", threads=2, cache_dir=tmp_path)
    plans = []
    for _ in range(2):
        pool = running(load_models(wanted))
        try:
            assert len(pool.pids) == pool.plan.engines
            [first, _] = pool.templates.pids
            assert psutil.Process(first).num_threads() == 1
            plans.append((pool.plan, pool.plan.measured))
        finally:
            pool.stop()
    assert [str(each) for each in plans[0][1]] == ["2 x 1", "1 x 2"]
    assert plans[0] == plans[1], "the very same measurements"


def hold_on_two_nodes(job: Job) -> SharedWeights:
    """Called in the template, on a machine that is described as having a node for each CPU."""
    root = job.cache_dir / "nodes"
    for number, cpu in enumerate(sorted(os.sched_getaffinity(0))):
        (root / f"node{number}").mkdir(parents=True)
        (root / f"node{number}/cpulist").write_text(str(cpu))
    nodes.NODES = root
    return held.hold(job)


@pytest.mark.slow
def test_each_engine_runs_on_the_processors_of_its_node(
    tiny_direct: Path, tiny_stilts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if len(cpus := sorted(os.sched_getaffinity(0))) == 1:
        pytest.skip("this machine has one processor")
    monkeypatch.setattr("app.weights.variant.FACTORY", f"{__name__}:hold_on_two_nodes")
    pool = running(load_models(settings(tiny_direct, tiny_stilts, engines=2, cache_dir=tmp_path)))
    try:
        bound = [psutil.Process(pool.pids[number]).cpu_affinity() for number in range(2)]
        assert all(len(each) == 1 for each in bound)
        assert bound[0] != bound[1]
        assert psutil.Process(pool.templates.pids[0]).cpu_affinity() == cpus
    finally:
        pool.stop()


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_is_named_by_its_variable(
    tiny_direct: Path, tmp_path: Path
) -> None:
    before, broken = templates(), tiny.multiple_choice(tmp_path)
    (broken / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(StartError, match=r"^XCOPA_MODELS__STILTS: .*model.safetensors"):
        load_models(settings(tiny_direct, broken, engines=1))
    assert templates() == before


@pytest.mark.slow
def test_a_tokenizer_that_does_not_fit_ends_the_engines(tiny_direct: Path, tmp_path: Path) -> None:
    before, broken = templates(), tiny.multiple_choice(tmp_path)
    (broken / "tokenizer.json").write_text("{}", encoding="ascii")
    with pytest.raises(StartError, match=r"^XCOPA_MODELS__STILTS: .*not a tokenizer"):
        load_models(settings(tiny_direct, broken, engines=1))
    assert templates() == before


def templates() -> set[int]:
    return {each.pid for each in psutil.Process().children() if "template" in str(each.cmdline())}


@pytest.mark.slow
def test_the_process_of_the_service_imports_no_torch(tiny_direct: Path, tiny_stilts: Path) -> None:
    """It starts sooner, and is smaller, than the processes that compute."""
    program = (
        "import sys, app.server\n"
        "from app.settings import Settings\n"
        "from app.weights.variant import load_models\n"
        "models = load_models(Settings())\n"
        "models['direct'].engine.logits([(0, 5, 2)])\n"
        "print({'torch', 'transformers', 'peft'} & set(sys.modules))\n"
    )
    variables = {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
        "XCOPA_ENGINES": "1",
        "XCOPA_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"
