"""A few items of the real sets, and predictors that need no model."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.evaluation.ask.items import ItemSets, collect
from models.evaluation.measure.report import Report, ReportSource, build
from tests.models.evaluation.stand_ins import predicted

ITEMS = 12


@pytest.fixture(scope="session")
def short_data(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first items of every file, cut from the real ones for this run alone."""
    folder = tmp_path_factory.mktemp("data")
    for path in [*data.glob("copa/*.jsonl"), *data.glob("xcopa/*/*.jsonl")]:
        target = folder / path.relative_to(data)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("\n".join(path.read_text("utf-8").splitlines()[:ITEMS]), "utf-8")
    (folder / "balanced-copa").symlink_to(data / "balanced-copa")
    return folder


@pytest.fixture(scope="session")
def item_sets(short_data: Path) -> ItemSets:
    return collect(short_data, "test", ["upstream", "repaired"])


@pytest.fixture(scope="session")
def source() -> ReportSource:
    return ReportSource(
        "test",
        ("upstream", "repaired"),
        "nobody",
        dict.fromkeys(("direct", "stilts", "direct/seed-1", "direct/seed-2"), "0" * 12),
    )


@pytest.fixture(scope="session")
def report(item_sets: ItemSets, source: ReportSource) -> Report:
    return build(source, predicted(item_sets, source.revisions))
