"""Times of batches are kept for the next start, by setup and shape; what is damaged is nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.serving.calibration import Sample
from app.serving.calibration_record import FILE, CalibrationRecord

SAMPLES = (Sample(32, 0.01), Sample(64, 0.015), Sample(1024, 0.2))


def test_what_is_kept_is_found_by_the_next_start_in_the_order_of_sizes(tmp_path: Path) -> None:
    CalibrationRecord("here", tmp_path).keep("small", SAMPLES)
    assert CalibrationRecord("here", tmp_path).find("small") == SAMPLES


def test_setups_and_shapes_are_kept_apart(tmp_path: Path) -> None:
    CalibrationRecord("here", tmp_path).keep("small", SAMPLES)
    assert CalibrationRecord("here", tmp_path).find("large") == ()
    assert CalibrationRecord("there", tmp_path).find("small") == ()


def test_a_new_measurement_replaces_the_whole_one_before(tmp_path: Path) -> None:
    record = CalibrationRecord("here", tmp_path)
    record.keep("small", SAMPLES)
    record.keep("small", SAMPLES[:2])
    assert CalibrationRecord("here", tmp_path).find("small") == SAMPLES[:2]


@pytest.mark.parametrize(
    "entry", [{"large": 0.1}, {"0": 0.1}, {"99999999": 0.1}, {"32": 0.0}, [], "x"]
)
def test_an_entry_that_is_damaged_is_not_used(tmp_path: Path, entry: object) -> None:
    (tmp_path / FILE).write_text(json.dumps({"here": {"small": entry}}))
    assert CalibrationRecord("here", tmp_path).find("small") == ()
