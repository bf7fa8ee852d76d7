"""Floors over an invented report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.coverage_floors import Coverage, Floor, by_file, describe, main, of_package


def report(**covered_of_100: int) -> dict[str, object]:
    """A file of a hundred lines in each package."""
    return {
        "files": {
            f"{package}/some.py": {"summary": {"covered_lines": covered, "num_statements": 100}}
            for package, covered in covered_of_100.items()
        }
    }


def check(directory: Path, **covered_of_100: int) -> int:
    path = directory / "coverage.json"
    path.write_text(json.dumps(report(**covered_of_100)), encoding="utf-8")
    return main([str(path)])


def test_each_package_has_a_floor_of_its_own(tmp_path: Path) -> None:
    assert check(tmp_path, app=100, models=100, xcopa=100) == 0
    assert check(tmp_path, app=100, models=100, xcopa=10) == 1
    assert check(tmp_path, app=10, models=100, xcopa=100) == 1


def test_files_of_a_package_are_added_up_by_lines() -> None:
    files = {Path("app/a.py"): Coverage(9, 10), Path("app/api/b.py"): Coverage(1, 90)}
    files[Path("apples/c.py")] = Coverage(0, 50)
    assert of_package(files, "app") == Coverage(10, 100)
    assert of_package(files, "app").percent == 10
    assert of_package(files, "absent").percent == 100


@pytest.mark.parametrize(("covered", "missing"), [(94, 1), (90, 5), (95, 0), (100, 0)])
def test_what_an_aim_needs_is_said_in_lines(covered: int, missing: int) -> None:
    assert Coverage(covered, 100).missing_to(95) == missing
    said = describe(by_file(report(app=covered)), [Floor("app", 90, 95)])
    assert (f"{missing} lines short" in said) == (missing > 0)


def test_half_a_line_is_a_line() -> None:
    assert Coverage(9, 10).missing_to(95) == 1


def test_the_file_that_misses_most_lines_comes_first() -> None:
    files = {Path("app/small.py"): Coverage(0, 3), Path("app/large.py"): Coverage(50, 60)}
    said = describe(files, []).splitlines()
    assert "10 lines of app/large.py are not run (83 % are)" in said[0]
