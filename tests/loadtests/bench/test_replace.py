"""What is made of rounds in which a variant was replaced."""

from __future__ import annotations

from pathlib import Path

import gevent
import pytest

from loadtests.bench import replace
from loadtests.bench.open_load import Arrival
from loadtests.bench.replace import ReplaceLoad, ReplaceRound, results_of
from tests.loadtests.bench.tiny_server import OK as OK_RESPONSE
from tests.loadtests.bench.tiny_server import tiny_server

OK, BROKEN, REFUSED = 200, 0, 503


def arrivals(count: int, slowest: float, *failures: int) -> list[Arrival]:
    """98 of 100 take 10 ms, the others as long as is said."""
    usual = [Arrival(OK, 0.01, "")] * (count * 98 // 100)
    slow = [Arrival(OK, slowest, "")] * (count * 2 // 100)
    return usual + slow + [Arrival(status, 0.001, "") for status in failures]


def test_every_call_that_failed_counts_and_the_targets_are_the_issue_s() -> None:
    quick = arrivals(100, 0.05)
    failed, p99, memory = results_of(
        [
            ReplaceRound(quick, arrivals(200, 0.08, BROKEN), [], 4.04, (100, 103)),
            ReplaceRound(arrivals(100, 0.05, REFUSED), arrivals(200, 0.15), [], 5.0, (103, 104)),
            ReplaceRound(quick, arrivals(200, 0.09), [], 5.0, (10**8, 2 * 10**8)),
        ]
    )
    assert (failed.value, failed.verdict) == (2, "missed")
    assert failed.details["calls"] == 902
    assert failed.details["change_s"] == [4.0, 5.0, 5.0]
    assert (p99.least, p99.value, p99.greatest) == pytest.approx((1.6, 1.8, 3.0))
    assert p99.verdict == "met"
    assert p99.details["replacing_ms"] == [80, 150, 90]
    assert (memory.value, memory.verdict) == (1.03, "met")
    assert memory.greatest == 2
    assert memory.details["mb"] == [0, 0, 100, 200]


def test_no_failure_is_what_is_wanted() -> None:
    quick = arrivals(100, 0.05)
    failed, _, memory = results_of([ReplaceRound(quick, quick, quick, 1.0, (100, 110))])
    assert (failed.value, failed.verdict) == (0, "met")
    assert memory.verdict == "missed"


def test_a_call_that_failed_after_the_swap_counts() -> None:
    """Those that came once the variant was replaced were sent, and then forgotten."""
    quick = arrivals(100, 0.05)
    [failed, _, _] = results_of(
        [ReplaceRound(quick, quick, arrivals(100, 9.0, BROKEN), 1.0, (100, 100))]
    )
    assert (failed.value, failed.verdict) == (1, "missed")
    assert failed.details["calls"] == 301


def test_calls_arrive_before_and_after_a_replacement(monkeypatch: pytest.MonkeyPatch) -> None:
    answered: list[bytes] = []
    replaced: list[Path] = []

    def replies(request: bytes) -> list[bytes] | None:
        if replaced:
            return None
        answered.append(request)
        return [OK_RESPONSE]

    def change(_: ReplaceLoad, source: Path) -> None:
        while not answered:
            gevent.sleep(0.01)
        replaced.append(source)

    monkeypatch.setattr(replace, "QUIET_S", 0.2)
    monkeypatch.setattr(ReplaceLoad, "change", change)
    with tiny_server(replies) as server:
        found = ReplaceLoad(server.process, {}, [b"{}"], 200.0).replace(Path("revision"))
    assert OK in {each.status for each in found.quiet}
    assert {each.status for each in found.after} == {BROKEN}
    assert len(found.arrivals) == len(server.requests)
