"""The report as JSON and as a page."""

from __future__ import annotations

import json
import math
from pathlib import Path

from loadtests.report.document import LoadReport, LoadTable, finite

REPORT = LoadReport(
    title="A <title>",
    verdict="PASS: 3 requests/s",
    data={"rate": math.inf, "rows": [(1, math.nan)]},
    tables=[LoadTable("Rates", ("rate, 1/s",), [("<3>",)])],
    plots=[("A plot", "<svg id='p'></svg>")],
    notes=["Not official."],
)


def test_it_is_written_as_json_and_as_a_page(tmp_path: Path) -> None:
    REPORT.write(tmp_path / "new" / "folder")
    content = json.loads((tmp_path / "new" / "folder" / "report.json").read_text("utf-8"))
    assert content == {
        "title": "A <title>",
        "verdict": "PASS: 3 requests/s",
        "rate": None,
        "rows": [[1, None]],
    }
    assert (tmp_path / "new" / "folder" / "report.html").read_text("utf-8") == REPORT.page()


def test_the_page_escapes_texts_and_holds_its_plots() -> None:
    page = REPORT.page()
    assert "A &lt;title&gt;" in page
    assert "<td>&lt;3&gt;</td>" in page
    assert "<h2>A plot</h2><svg id='p'></svg>" in page
    assert "<p>Not official.</p>" in page
    assert "http" not in page, "it needs no other file"


def test_json_has_no_number_that_other_languages_cannot_read() -> None:
    assert finite({"a": [1.5, math.inf], "b": "x"}) == {"a": [1.5, None], "b": "x"}
