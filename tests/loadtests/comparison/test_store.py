"""Records are kept for a run that goes on, and only for the same plan and versions."""

from __future__ import annotations

from pathlib import Path

from loadtests.comparison.plan import LoadPlan
from loadtests.comparison.store import RecordStore
from tests.loadtests.comparison.records import PLAN, peer, refused

VERSIONS = {"mosec": "1.2.3"}


def test_a_record_comes_back(tmp_path: Path) -> None:
    store = RecordStore(tmp_path / "new", PLAN)
    assert store.kept("mosec", VERSIONS) is None
    store.keep(peer())
    assert store.kept("mosec", VERSIONS) == peer()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["mosec.json"]


def test_another_plan_or_version_is_measured_anew(tmp_path: Path) -> None:
    RecordStore(tmp_path, PLAN).keep(peer())
    assert RecordStore(tmp_path, LoadPlan.full(21.0)).kept("mosec", VERSIONS) is None
    assert RecordStore(tmp_path, PLAN).kept("mosec", {"mosec": "1.2.4"}) is None


def test_what_could_not_run_is_tried_again(tmp_path: Path) -> None:
    store = RecordStore(tmp_path, PLAN)
    store.keep(refused("mosec"))
    assert store.kept("mosec", {}) is None
