"""Counting what a report of pytest says was skipped."""

from __future__ import annotations

from pathlib import Path

from scripts.bare_clone import count_skipped


def test_skipped_tests_are_added_up_over_suites(tmp_path: Path) -> None:
    report = tmp_path / "tests.xml"
    report.write_text(
        '<testsuites><testsuite skipped="3" tests="10"/><testsuite skipped="1" tests="5"/>'
        "</testsuites>",
        encoding="utf-8",
    )
    assert count_skipped(report) == (4, 15)
