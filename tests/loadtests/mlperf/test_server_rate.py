"""The Server rate: runs are long enough to be judged, and what is not measured says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.capacity.sequential import ServiceGoal
from loadtests.mlperf.asker import ServiceDialect
from loadtests.mlperf.run import ENOUGH, SERVER, LoadGenRun, StreamSettings, run_scenario
from loadtests.mlperf.server_rate import FEWEST, ServerRate, ServerRateSearch, ServerRules
from tests.loadtests.capacity.queues import true_capacity
from tests.loadtests.mlperf.answering import ITEMS, service
from tests.loadtests.mlperf.simulated import is_enough, loadgen

GOAL = ServiceGoal(0.5)
RULES = ServerRules(seconds=20.0, most_s=120.0, bound_s=0.5, precision=0.05)


def found(service_s: float, start: float, failed: int = 0) -> tuple[ServerRate, list[str]]:
    said: list[str] = []
    search = ServerRateSearch("mosec", RULES, loadgen(service_s, failed), said.append)
    return search.find(start), said


def test_the_fewest_queries_are_those_with_which_the_rule_can_be_met() -> None:
    assert is_enough(FEWEST, 0)
    assert not is_enough(FEWEST - 1, 0)
    assert is_enough(ENOUGH[SERVER], 5)
    assert not is_enough(ENOUGH[SERVER] - 1, 5)


@pytest.mark.parametrize("per_second", [12.5, 15.0, 20.0, 70.0])
def test_a_slow_server_had_a_server_rate_of_0(per_second: float) -> None:
    """20 seconds are 459 queries from 23 a second on; the search begins at half of that."""
    own, said = found(1 / per_second, per_second / 2)
    assert own.rate is not None, own.why_not
    # A run is short beside the bursts of a queue, so that chance may let a higher rate pass.
    assert 0.75 * true_capacity(1 / per_second, GOAL) < own.rate <= per_second
    assert own.queries >= FEWEST
    assert is_enough(own.queries, own.too_late)
    assert 0 < own.p99_ms <= 500
    assert own.too_high is not None
    assert own.rate < own.too_high
    assert len(said) == len(own.tried)


def test_a_server_that_is_too_slow_to_be_measured_says_so() -> None:
    own, said = found(0.4, 1.25)
    assert own.rate is None
    assert own.why_not.startswith("even 3.825 queries/s are too many, and lower rates have too few")
    assert str(own) == f"not measured: {own.why_not}"
    assert said[0].startswith("mosec: Server at 3.825 queries/s: not valid, too slow: Reduce ")
    assert [point.holds for point in own.tried] == [False]


def test_too_few_queries_are_told_from_too_slow_a_server() -> None:
    """A query in 200 is late: too many for 459 queries, and no reason to call a server slow."""

    def run(settings: StreamSettings, number: int) -> LoadGenRun:
        made = loadgen(0.001)(settings, number)
        made.log.values.update({"result_validity": "INVALID", "early_stopping_result": "more"})
        return made

    said: list[str] = []
    own = ServerRateSearch("mosec", RULES, run, said.append).find(20.0)
    assert (own.rate, own.too_high) == (None, None)
    assert own.why_not == "at 3.825 queries/s, too few queries: more"
    assert said[0] == "mosec: Server at 20 queries/s: not valid, too few queries: more"
    assert {point.holds for point in own.tried} == {None}


def test_items_without_an_answer_make_a_rate_too_high() -> None:
    own, said = found(0.001, 100.0, failed=3)
    assert own.rate is None
    assert own.too_high == min(point.offered_per_s for point in own.tried)
    assert "too slow: 3 items had no sound answer" in said[0]


def test_a_run_lasts_until_there_are_enough_queries_or_the_time_is_up() -> None:
    settings = {rate: RULES.settings(rate) for rate in (3.825, 8.0, 20.0, 200.0)}
    assert {rate: each.queries for rate, each in settings.items()} == {
        3.825: FEWEST,
        8.0: 960,
        20.0: ENOUGH[SERVER],
        200.0: ENOUGH[SERVER],
    }
    assert {each.seconds for each in settings.values()} == {20.0}


def test_a_rate_comes_back_from_json() -> None:
    own, _ = found(0.05, 10.0)
    assert ServerRate.from_json(own.to_json()) == own


@pytest.mark.slow
def test_the_rule_is_loadgens_own(tmp_path: Path) -> None:
    """LoadGen calls a run of the fewest queries valid, and one of fewer invalid though in time."""
    with service() as asked:

        def run(queries: int) -> LoadGenRun:
            settings = StreamSettings(SERVER, 0.01, 60.0, 300.0, queries)
            folder = tmp_path / str(queries)
            return run_scenario(asked, ServiceDialect("stilts"), ITEMS, settings, folder)

        enough, fewer = run(FEWEST), run(FEWEST - 1)
    assert enough.is_valid
    assert not fewer.is_valid
    assert fewer.is_in_time
    assert "1 more queries" in fewer.why_not
