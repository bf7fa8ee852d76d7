"""What was measured of plans is kept for the next start, by model; half of it is nothing."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from app.engine.plan import EnginePlan, MeasuredPlan
from app.engine.plan_record import FILE, PlanRecord

PLANS = (EnginePlan(2, 1), EnginePlan(1, 2))
MEASURED = (MeasuredPlan(2, 1, 900.0, 0.01), MeasuredPlan(1, 2, 800.0, 0.005))


def test_what_is_kept_is_found_by_the_next_in_the_order_that_is_asked(tmp_path: Path) -> None:
    PlanRecord("here", tmp_path).keep("small", MEASURED)
    again = PlanRecord("here", tmp_path)
    assert again.find("small", PLANS) == MEASURED
    assert again.find("small", PLANS[::-1]) == MEASURED[::-1]


def test_machines_and_models_are_kept_apart(tmp_path: Path) -> None:
    PlanRecord("here", tmp_path).keep("small", MEASURED)
    assert PlanRecord("here", tmp_path).find("large", PLANS) == ()
    assert PlanRecord("there", tmp_path).find("small", PLANS) == ()


def test_plans_that_were_not_all_measured_are_measured_again(tmp_path: Path) -> None:
    record = PlanRecord("here", tmp_path)
    record.keep("small", MEASURED)
    assert record.find("small", [*PLANS, EnginePlan(4, 1)]) == ()


@pytest.mark.parametrize("entry", [{"lone_seconds": 1.0}, {"tokens_per_second": 0.0}, [], "fast"])
def test_an_entry_that_is_damaged_is_not_used(tmp_path: Path, entry: object) -> None:
    (tmp_path / FILE).write_text(json.dumps({"here": {"small; 2 x 1": entry}}))
    assert PlanRecord("here", tmp_path).find("small", PLANS[:1]) == ()


def test_a_directory_that_cannot_be_written_is_said_by_what_it_costs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "file").touch()
    record = PlanRecord("here", tmp_path / "file")
    record.keep("small", MEASURED)
    assert record.find("small", PLANS) == MEASURED
    assert "the next start measures the engines again" in caplog.messages[-1]
