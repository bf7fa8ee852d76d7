"""The tables of the speed page are those of the results that are kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loadtests.bench import page
from loadtests.bench.page import DATA, PAGE, number, rewritten, text

MACHINE = {
    "date": "2026-01-02",
    "processor": "A Processor",
    "cores": 2,
    "instructions": "AVX2",
    "torch": "9.9",
    "python": "3.99",
}


def results(**changes: Any) -> dict[str, Any]:
    result = {
        "name": "a wait",
        "unit": "s",
        "value": 0.25,
        "least": 0.2,
        "greatest": 1234.5,
        "target": "<= 2",
        "details": {"calls_made": 4000, "ms": [1.5, 22.25]},
        **changes,
    }
    return {"machine": MACHINE, "results": [result]}


def test_the_page_is_current() -> None:
    """``python -m loadtests.bench.page`` makes it so."""
    kept = PAGE.read_text("utf-8")
    assert kept == rewritten(kept, json.loads(DATA.read_text("utf-8")))


def test_a_table_has_a_line_a_result_and_the_machine() -> None:
    before = "Words.\n\n<!-- speed:begin lone -->\nold\n<!-- speed:end -->\n\nMore.\n"
    found = rewritten(before, {"lone": results()}).splitlines()
    assert found[:3] == ["Words.", "", "<!-- speed:begin lone -->"]
    assert found[5] == (
        "| lone | a wait | s | 0.25 | 0.2 | 1,234 | <= 2 | calls made 4,000; ms 1.5 and 22.25 |"
    )
    assert found[7] == "2026-01-02: A Processor, 2 cores, AVX2, torch 9.9, Python 3.99."
    assert found[8:] == ["<!-- speed:end -->", "", "More."]


def test_one_table_of_several_measurements_names_a_shared_machine_once() -> None:
    before = "<!-- speed:begin lone soak -->\n<!-- speed:end -->\n"
    found = rewritten(before, {"lone": results(), "soak": results(name="growth")})
    assert found.index("| lone | a wait") < found.index("| soak | growth")
    assert found.count("A Processor") == 1


def test_writing_the_tables_again_changes_nothing() -> None:
    before = "<!-- speed:begin lone -->\n<!-- speed:end -->\n"
    once = rewritten(before, {"lone": results()})
    assert rewritten(once, {"lone": results()}) == once != before


def test_what_has_not_been_measured_is_said_to_be() -> None:
    found = rewritten("<!-- speed:begin gpu -->\n<!-- speed:end -->\n", {"lone": results()})
    assert found.splitlines()[1] == "Not measured yet: `gpu`."


def test_what_has_not_been_measured_is_named_beside_what_has() -> None:
    """A block with other results lost it without a word."""
    before = "<!-- speed:begin lone replace soak -->\n<!-- speed:end -->\n"
    found = rewritten(before, {"soak": results()}).splitlines()
    assert found[3].startswith("| soak | a wait")
    assert found[-3:] == ["", "Not measured yet: `lone`, `replace`.", "<!-- speed:end -->"]


def test_the_name_of_a_gpu_comes_before_the_processor() -> None:
    measured = {"machine": {**MACHINE, "gpu": "A Card"}, "results": results()["results"]}
    found = rewritten("<!-- speed:begin gpu -->\n<!-- speed:end -->\n", {"gpu": measured})
    assert "2026-01-02: A Card, A Processor, 2 cores" in found


def test_the_command_writes_the_page(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    file, data = tmp_path / "speed.md", tmp_path / "speed.json"
    file.write_text("<!-- speed:begin lone -->\n<!-- speed:end -->\n", "utf-8")
    data.write_text(json.dumps({"lone": results()}), "utf-8")
    monkeypatch.setattr(page, "PAGE", file)
    monkeypatch.setattr(page, "DATA", data)
    page.main()
    assert "| a wait | s | 0.25 |" in file.read_text("utf-8")


def test_numbers_have_three_digits_that_count() -> None:
    assert [number(each) for each in (0.98765, 2.0, 43.21, 999.4, 2866.1)] == [
        *("0.988", "2", "43.2", "999", "2,866")
    ]


def test_details_of_each_kind_are_readable() -> None:
    assert text({"p50": 798, "p99": 1093}) == "p50: 798, p99: 1,093"
    assert text([161.6, 29.6]) == "161.6 and 29.6"
    assert text(1.9788742065429688e-05) == "1.979e-05"
