"""The reference pages that come from the code are current."""

from __future__ import annotations

import pytest

from app.telemetry.declarations import DECLARATIONS
from scripts.reference import PAGES, ROOT, commands, metrics


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_says(name: str) -> None:
    written = (ROOT / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), f"{name} is out of date; run `make reference`"


def test_every_metric_has_a_section_with_a_query() -> None:
    page = metrics()
    for metric in DECLARATIONS:
        section = page.partition(f"## {metric.name}\n")[2].partition("\n## ")[0]
        assert metric.help in section
        assert metric.query in section


def test_every_command_is_there_with_its_options() -> None:
    page = commands()
    assert "## xcopa train RECIPE" in page
    assert "| `--out DIR` | Where the sets are written. Required. |" in page
    assert "Or the variable `XCOPA_DATA_DIR`." in page
