"""The record of a run and its verdict."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from loadtests.callers import record
from loadtests.callers.profiles import Stair
from loadtests.callers.record import RouteLatencies, RunRecord, report_of, verdict
from loadtests.callers.saturation import saturation
from tests.loadtests.callers import moments


def recorded(*seconds: float, failed: int = 0) -> RouteLatencies:
    found = RouteLatencies()
    for number, each in enumerate(seconds):
        found.record("/predict", each, number < failed)
    return found


def run_of(lately: RouteLatencies, monkeypatch: pytest.MonkeyPatch) -> RunRecord:
    """Return a run of ten seconds."""
    moments = iter([0.0, 10.0])
    monkeypatch.setattr(record, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    run = RunRecord()
    run.lately = lately
    seen = {"xcopa_batch_rows_count": 4, "xcopa_batch_rows_sum": 40, record.RESIDENT: 2.0**21}
    run.note(seen, users=3)
    return run


def test_what_a_worker_sends_is_what_the_master_counts() -> None:
    sent = json.loads(json.dumps(recorded(0.010, 0.020, failed=1).to_wire()))
    master = recorded(0.5)
    master.add(RouteLatencies.of_wire(sent))
    assert (len(master.all), master.failed) == (3, 1)
    assert master.all.quantile(0.5) == pytest.approx(0.020, rel=1e-3)


def test_a_moment_has_what_was_recorded_since_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(recorded(0.010, 0.020, 0.030, failed=1), monkeypatch)
    [moment] = run.moments
    assert (moment.at_s, moment.offered, moment.answered_per_s) == (10.0, 3, 0.2)
    assert moment.failed_per_s == 0.1
    assert moment.p50_ms == pytest.approx(20, rel=1e-3)
    assert moment.memory_mib == 2.0
    assert moment.batch_rows is None, "there was nothing to compare the first scrape with"
    assert (len(run.lately.all), len(run.whole.all)) == (0, 3)


def test_the_verdict_has_units_and_says_what_was_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    good = run_of(recorded(0.010, 0.010), monkeypatch)
    assert verdict(good, bound_ms=0) == (
        "PASS: 2 requests, 0.2 requests/s of callers that wait for answers, "
        "p50 10.0 ms, p99 10.0 ms, 0 failed",
        True,
    )
    said, is_good = verdict(good, bound_ms=5)
    assert (said.split(":")[0], is_good, "(bound 5 ms)" in said) == ("FAIL", False, True)
    assert not verdict(run_of(recorded(0.01, 0.01, failed=1), monkeypatch), 0)[1]
    assert not verdict(run_of(RouteLatencies(), monkeypatch), 0)[1], "nothing was asked"


def test_the_report_has_routes_and_timeline(monkeypatch: pytest.MonkeyPatch) -> None:
    found = report_of(run_of(recorded(0.010), monkeypatch), "PASS: all")
    assert found.data["routes"]["/predict"]["count"] == 1
    assert len(found.data["timeline"]) == 1
    assert [title for title, _ in found.plots] == ["Distribution by route", "Timeline"]


def test_the_staircase_drew_no_latency_against_load_and_only_logged_its_knee() -> None:
    run = moments.run_of([4, 4, 8, 8, 12], [10, 20, 30, 40, 60])
    run.stairs = [Stair(users, rate) for users, rate in ((4, 9), (8, 20), (12, 20), (16, 20))]
    found = report_of(run, "PASS: all", [saturation(run)])
    assert found.verdict == "PASS: all / PASS: saturation: the knee is at 8 users: 20.0 answers/s"
    assert found.data["knee_users"] == 8
    assert found.data["answers"][0]["status"] == "PASS"
    title, drawn = found.plots[-1]
    assert title == "Latency against load"
    assert "knee, users: 8" in drawn
    assert "users that wait for answers" in drawn


def test_latency_against_load_is_that_of_the_middle_moment_with_as_many_users() -> None:
    run = moments.run_of([4, 4, 4, 8, 0], [10, 20, 90, 30, 5])
    assert [(each.offered_per_s, each.p50_ms) for each in run.points] == [(4, 20), (8, 30)]
    assert all(each.holds is None for each in run.points)
