"""The real LoadGen against a service that answers as a test says."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from loadtests.mlperf.asker import ServiceDialect
from loadtests.mlperf.log import accuracy_of
from loadtests.mlperf.run import (
    MULTI_STREAM,
    OFFLINE,
    SCENARIOS,
    SERVER,
    SINGLE_STREAM,
    StreamSettings,
    run_scenario,
)
from tests.loadtests.mlperf.answering import ITEMS, response, service, sound

BRIEF_S = 0.2
STILTS = ServiceDialect("stilts")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_scenario_sends_queries_and_logs_them(scenario: str, tmp_path: Path) -> None:
    with service() as asked:
        settings = StreamSettings(scenario, BRIEF_S, 60.0, 40.0)
        run = run_scenario(asked, STILTS, ITEMS, settings, tmp_path / "logs")
    assert run.failed == 0
    assert run.log.values["effective_scenario"] == scenario
    assert run.log.number("result_query_count") > 0
    assert run.log.seconds("result_max_latency_ns") > 0


def test_the_percentiles_are_those_of_the_rules(tmp_path: Path) -> None:
    found = {}
    with service() as asked:
        for scenario in SCENARIOS[:3]:
            settings = StreamSettings(scenario, 0.05, 0.25, 40.0)
            log = run_scenario(asked, STILTS, ITEMS, settings, tmp_path).log
            keys = ("effective_target_latency_percentile", "effective_samples_per_query")
            found[scenario] = [log.values.get(key) for key in keys]
            if scenario == SERVER:
                assert log.values["effective_target_latency_ns"] == 250_000_000
    assert found[SINGLE_STREAM] == [0.9, 1]
    assert found[MULTI_STREAM] == [0.99, 8]
    assert found[SERVER] == [0.99, 1]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_an_accuracy_run_asks_each_item_once(scenario: str, tmp_path: Path) -> None:
    with service() as asked:
        settings = StreamSettings(scenario, 0, rate=50.0, is_accuracy=True)
        run_scenario(asked, STILTS, ITEMS, settings, tmp_path)
    assert accuracy_of(tmp_path, [0, 1, 0, 1, 0, 1]) == (6, 6)
    assert accuracy_of(tmp_path, [1, 1, 1, 1, 1, 1]) == (3, 6)


def test_an_answer_that_is_not_sound_makes_a_run_invalid(tmp_path: Path) -> None:
    with service(lambda _: response({"label": 1})) as asked:
        settings = StreamSettings(OFFLINE, BRIEF_S, rate=40.0)
        run = run_scenario(asked, STILTS, ITEMS, settings, tmp_path)
    assert not run.is_valid
    assert run.failed > 0
    assert run.why_not.startswith(f"{run.failed} items had no sound answer: ")
    assert 'status 200, and not a sound answer ({"label": 1}). ' in run.why_not


def test_a_slow_service_does_not_slow_its_own_test(tmp_path: Path) -> None:
    """Nothing is answered for a second: all that was due meanwhile is late, not one request."""
    first: list[float] = []
    lock = threading.Lock()

    def stalled(request: bytes) -> bytes:
        with lock:
            first.append(time.monotonic())  # LoadGen itself takes a while to start
        time.sleep(max(0.0, first[0] + 1 - time.monotonic()))
        return sound(request)

    with service(stalled) as asked:
        settings = StreamSettings(SERVER, 1.5, bound_s=0.1, rate=60.0)
        run = run_scenario(asked, STILTS, ITEMS, settings, tmp_path)
    assert run.log.number("result_overlatency_query_count") > 20
    assert not run.is_valid
    assert "Reduce target QPS" in run.why_not
