"""What callers saw is counted by phase and compared with the targets."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from loadtests.fleet.findings import FleetFindings, PhaseFindings, by_phase, quantile
from loadtests.fleet.load import FleetCall
from loadtests.fleet.phases import HAPPENINGS, FleetPhase

PHASE_S, CALLS = 10, 100


def findings(
    failed: Mapping[str, int] | None = None,
    held: Mapping[str, int] | None = None,
    seconds: Mapping[str, float] | None = None,
) -> FleetFindings:
    """A run of 100 calls a phase, each phase ten seconds long.

    Args:
        failed: by phase, how many of its calls do not end with 200.
        held: by phase, how many calls the replica had.
        seconds: by phase, how long ten of its calls take; all others 0.1 s.
    """
    failed, held, seconds = failed or {}, held or {}, seconds or {}
    phases: list[FleetPhase] = []
    calls: list[FleetCall] = []
    for number, name in enumerate(HAPPENINGS):
        began = float(PHASE_S * number)
        phases.append(FleetPhase(name, "", began, began + PHASE_S, 2, held.get(name)))
        calls += [
            FleetCall(
                began + turn * (PHASE_S - 0.2) / CALLS,
                seconds.get(name, 0.1) if turn < 10 else 0.1,
                502 if turn < failed.get(name, 0) else 200,
            )
            for turn in range(CALLS)
        ]
    return FleetFindings(14.3, 10.0, 1e-6, by_phase(phases, calls))


def test_calls_between_two_phases_count_with_the_one_that_they_follow() -> None:
    """Those that ended while a phase settled belonged to none, whatever became of them."""
    phases = [FleetPhase("steady", "", 10.0, 12.0, 3), FleetPhase("killed", "", 15.0, 20.0, 2)]
    ends = (9.9, 10.0, 11.9, 12.0, 14.9, 15.0, 20.0, 99.0)
    calls = [FleetCall(end - 1.0, 1.0, 200) for end in ends]
    found = by_phase(phases, calls)
    assert [each.calls for each in found] == [5, 3]
    assert sum(each.calls for each in found) == len(calls)


def test_a_call_that_was_held_when_its_replica_was_killed_counts_there() -> None:
    """It came while nothing happened yet, and was counted as a failure of that time."""
    phases = [FleetPhase("steady", "", 10.0, 15.0, 3), FleetPhase("killed", "", 15.0, 20.0, 2, 1)]
    found = by_phase(phases, [FleetCall(14.9, 0.2, 0)])
    assert [each.failed for each in found] == [0, 1]
    assert [each.beyond for each in found] == [0, 0]


def test_all_is_well() -> None:
    held = {"killed": 3, "stuck": 12}
    slow = {"stuck": 3.0}
    assert findings(failed={"killed": 3, "stuck": 12}, held=held, seconds=slow).missed == []


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"failed": {"steady": 1}}, "failed calls while nothing happens"),
        (
            {"failed": {"restarted": 1}},
            "failed calls while the killed replica is started again",
        ),
        ({"failed": {"drained": 1}}, "failed calls while a replica is drained and replaced"),
        ({"failed": {"rolling": 1}}, "failed calls while all replicas are replaced in order"),
        (
            {"failed": {"killed": 4}, "held": {"killed": 3}},
            "failed calls beyond those that a killed replica held",
        ),
        (
            {"failed": {"stuck": 4}, "held": {"stuck": 3}},
            "failed calls beyond those that a replica with a stuck engine held",
        ),
        ({"seconds": {"killed": 0.16}}, "p99 while a replica is killed over p99 before"),
        (
            {"seconds": {"stuck": 0.16}, "held": {"stuck": 9}},
            "p99 of the calls that a stuck engine did not delay over p99 before",
        ),
    ],
)
def test_each_target_can_be_missed(wrong: dict[str, Any], name: str) -> None:
    assert findings(**wrong).missed == [name]


@pytest.mark.parametrize("phase", HAPPENINGS)
def test_a_phase_of_which_every_call_fails_misses_a_target(phase: str) -> None:
    """Nothing judged the phases ``drained`` and ``stuck``: the command said that all was well."""
    found = findings(failed={phase: CALLS}, held={"killed": 3, "stuck": 3})
    assert len(found.missed) == 1


def test_the_load_is_what_was_sent_over_what_was_measured() -> None:
    found = findings()
    [killed] = [each for each in found.phases if each.phase.name == "killed"]
    assert killed.rate == CALLS / PHASE_S
    assert found.load(killed) == pytest.approx(10 / 14.3)
    asked_for_more = dataclasses.replace(found, asked=99.0)
    assert asked_for_more.load(killed) == found.load(killed)
    [rolling, *_] = found.results()
    assert rolling.details["load"] == 0.7


def test_refused_calls_and_broken_connections_are_failed_ones() -> None:
    phase = FleetPhase("steady", "", 0.0, 1.0, 3)
    calls = [FleetCall(0.5, 1.0, status) for status in (200, 429, 503, 0)]
    found = PhaseFindings.of(phase, calls)
    assert found.failed == 3
    assert found.statuses == {"200": 1, "429": 1, "503": 1, "0": 1}


def test_quantiles_are_values_that_were_seen() -> None:
    assert quantile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.0
    assert quantile([1.0, 2.0, 3.0, 4.0], 0.99) == 4.0
    assert math.isnan(quantile([], 0.5))


def test_the_report_is_written_for_people_and_programs(tmp_path: Path) -> None:
    found = findings(failed={"killed": 2}, held={"killed": 3})
    found.report({"processor": "some"}).write(tmp_path)
    content = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    [killed] = [each for each in content["phases"] if each["name"] == "killed"]
    assert (killed["failed"], killed["held"], killed["statuses"]) == (2, 3, {"200": 98, "502": 2})
    assert killed["ended_over_capacity"] == pytest.approx(10 / 14.3)
    assert content["results"][0]["value"] == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "200: 98, 502: 2" in page
    assert "70%" in page
    assert "All targets are met." in page
