"""Records are kept for a run that goes on, and only for the same plan and versions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.comparison.plan import LoadPlan
from loadtests.comparison.store import RecordStore
from tests.loadtests.comparison.records import ORIGIN, PLAN, peer, refused

VERSIONS = {"mosec": "1.2.3"}


def test_a_record_comes_back(tmp_path: Path) -> None:
    store = RecordStore(tmp_path / "new", PLAN, ORIGIN)
    assert store.kept("mosec", VERSIONS) is None
    store.keep(peer())
    assert store.kept("mosec", VERSIONS) == peer()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["mosec.json"]


def test_another_plan_or_version_is_measured_anew(tmp_path: Path) -> None:
    RecordStore(tmp_path, PLAN, ORIGIN).keep(peer())
    assert RecordStore(tmp_path, LoadPlan.full(21.0), ORIGIN).kept("mosec", VERSIONS) is None
    assert RecordStore(tmp_path, PLAN, ORIGIN).kept("mosec", {"mosec": "1.2.4"}) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"machine": {"processor": "Another", "cores": 2}},
        {"checkpoint": "another"},
        {"service": "another"},
        {"peers": "another"},
        {"items": "another"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_record_of_another_machine_model_or_code_passed_for_one_of_this(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    RecordStore(tmp_path, PLAN, ORIGIN).keep(peer())
    elsewhere = RecordStore(tmp_path, PLAN, replace(ORIGIN, **changes))
    assert elsewhere.known("mosec", VERSIONS) is None


def test_a_record_that_has_no_origin_is_made_anew(tmp_path: Path) -> None:
    old = {key: value for key, value in peer().items() if key != "origin"}
    store = RecordStore(tmp_path, PLAN, ORIGIN)
    store.keep(old)
    assert store.known("mosec", VERSIONS) is None


def test_what_could_not_run_is_tried_again(tmp_path: Path) -> None:
    store = RecordStore(tmp_path, PLAN, ORIGIN)
    store.keep(refused("mosec"))
    assert store.kept("mosec", {}) is None
    assert store.known("mosec", {}) == refused("mosec")
