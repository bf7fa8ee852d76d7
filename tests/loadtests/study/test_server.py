"""The server of a study: as the environment says, but for what would spoil a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.bench.servers import environment
from loadtests.study import server, side_run
from loadtests.study.server import study_server
from loadtests.study.side import Side
from loadtests.study.side_run import opened_side


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The variables of each server, in whose place nothing is started."""
    found: list[dict[str, str]] = []

    @contextmanager
    def started(arguments: tuple[str, ...], **settings: str) -> Iterator[Any]:
        own = {"XCOPA_BATCH_TOKENS": "64", "XCOPA_CACHE_BYTES": "9", "XCOPA_API_KEYS_FILE": "keys"}
        found.append(environment(own, 1, settings))
        yield SimpleNamespace(cpu_seconds=1.0)

    monkeypatch.setattr(server, "started", started)
    return found


def test_each_answer_is_computed_on_the_cpu_for_whoever_asks(told: list[dict[str, str]]) -> None:
    with study_server("bf16", 384):
        pass
    assert told[0]["XCOPA_PRECISION"] == "bf16"
    assert (told[0]["XCOPA_DEVICE"], told[0]["XCOPA_CACHE_BYTES"]) == ("cpu", "0")
    assert "XCOPA_API_KEYS_FILE" not in told[0]


def test_only_without_a_budget_a_server_measures_one(told: list[dict[str, str]]) -> None:
    for budget in (384, None):
        with study_server("fp32", budget):
            pass
    assert [each.get("XCOPA_BATCH_TOKENS") for each in told] == ["384", None]


def test_each_server_chose_a_budget_of_its_own_by_chance(
    told: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    load = SimpleNamespace(latencies=[0.1], seconds=0.1)
    monkeypatch.setattr(side_run, "counted_load", lambda *how: load)
    for model in ("direct", "stilts"):
        with opened_side(Side(model, model, how="http"), 384, None) as run:
            run(0, 1)
    assert [each["XCOPA_BATCH_TOKENS"] for each in told] == ["384", "384"]
