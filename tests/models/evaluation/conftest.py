"""A few invented items, and predictors that need no model."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.evaluation.ask.items import ItemSets, collect
from models.evaluation.measure.report import Report, ReportSource, build
from tests.models.evaluation.stand_ins import predicted
from tests.models.tasks.invented_causal import write_measured

ITEMS = 12


@pytest.fixture(scope="session")
def short_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a few invented items in every file."""
    return write_measured(tmp_path_factory.mktemp("data"), ITEMS)


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
