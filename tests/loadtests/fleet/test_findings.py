"""What callers saw is counted by phase and compared with the targets."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from loadtests.fleet.findings import FleetFindings, PhaseFindings, quantile
from loadtests.fleet.load import FleetCall
from loadtests.fleet.phases import HAPPENINGS, FleetPhase


def findings(
    failed: int = 0, held: int = 0, killed_s: float = 0.1, rolling_failed: int = 0
) -> FleetFindings:
    """A run of 100 calls a phase, each phase ten seconds long."""
    phases: list[FleetPhase] = []
    calls: list[FleetCall] = []
    for number, name in enumerate(HAPPENINGS):
        began = 100.0 * number
        is_kill = name == "killed"
        phases.append(FleetPhase(name, "", began, began + 10, 2, held if is_kill else None))
        bad = {"killed": failed, "rolling": rolling_failed}.get(name, 0)
        seconds = killed_s if is_kill else 0.1
        calls += [
            FleetCall(began + turn / 10, seconds, 502 if turn < bad else 200) for turn in range(100)
        ]
    return FleetFindings(100.0, 70.0, 1e-6, [PhaseFindings.of(each, calls) for each in phases])


def test_a_call_belongs_to_the_phase_in_which_it_was_due() -> None:
    phase = FleetPhase("steady", "", 10.0, 20.0, 3)
    calls = [FleetCall(due, 1.0, 200) for due in (9.9, 10.0, 19.9, 20.0)]
    assert PhaseFindings.of(phase, calls).calls == 2


def test_all_is_well() -> None:
    assert findings(failed=3, held=3).missed == []


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"rolling_failed": 1}, "failed calls while all replicas are replaced in order"),
        ({"failed": 4, "held": 3}, "failed calls beyond those that a killed replica held"),
        ({"killed_s": 0.16}, "p99 while a replica is killed over p99 before"),
    ],
)
def test_each_target_can_be_missed(wrong: dict[str, float], name: str) -> None:
    assert findings(**wrong).missed == [name]  # type: ignore[arg-type]


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
    found = findings(failed=2, held=3)
    found.report({"processor": "some"}).write(tmp_path)
    content = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    [killed] = [each for each in content["phases"] if each["name"] == "killed"]
    assert (killed["failed"], killed["held"], killed["statuses"]) == (2, 3, {"200": 98, "502": 2})
    assert content["results"][0]["value"] == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "200: 98, 502: 2" in page
    assert "All targets are met." in page
