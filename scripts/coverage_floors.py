"""Hold the coverage of each package above its floor: ``python -m scripts.coverage_floors``.

It reads what ``coverage json`` writes. A floor is what has been reached, so that coverage does not
fall; the aim is where it should get.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEAST_COVERED_SHOWN = 10


@dataclass(frozen=True)
class Floor:
    """What share of a package's lines tests must run, in percent, and what they should run."""

    package: str
    least: float
    aim: float


FLOORS = (
    Floor("app", 95, 95),
    Floor("models", 90, 90),
    Floor("planning", 90, 90),
    Floor("xcopa", 90, 90),
)


@dataclass(frozen=True)
class Coverage:
    """Lines of statements, and how many of them tests have run."""

    covered: int = 0
    statements: int = 0

    def __add__(self, other: Coverage) -> Coverage:
        return Coverage(self.covered + other.covered, self.statements + other.statements)

    @property
    def percent(self) -> float:
        return 100 * self.covered / self.statements if self.statements else 100.0

    def missing_to(self, aim: float) -> int:
        """Return how many more lines must be run to reach an aim in percent."""
        return max(0, math.ceil(aim * self.statements / 100) - self.covered)


def by_file(report: Mapping[str, Any]) -> dict[Path, Coverage]:
    """Return the coverage of each file of a JSON report."""
    return {
        Path(name): Coverage(file["summary"]["covered_lines"], file["summary"]["num_statements"])
        for name, file in report["files"].items()
    }


def of_package(files: Mapping[Path, Coverage], package: str) -> Coverage:
    """Add up the files of a package."""
    own = (coverage for path, coverage in files.items() if path.parts[0] == package)
    return sum(own, Coverage())


def describe(files: Mapping[Path, Coverage], floors: Sequence[Floor]) -> str:
    """Say for each package what is covered and what its aim needs; then the least covered files."""
    lines = []
    for floor in floors:
        found = of_package(files, floor.package)
        missing = found.missing_to(floor.aim)
        lines.append(
            f"{floor.package:8}{found.percent:6.1f} % of lines"
            f"   floor {floor.least:g} %   aim {floor.aim:g} %"
            + (f"   {missing} lines short of it" if missing else "")
        )
    worst = sorted(files, key=lambda path: files[path].covered - files[path].statements)
    for path in worst[:LEAST_COVERED_SHOWN]:
        missed = files[path].statements - files[path].covered
        lines.append(f"  {missed:4} lines of {path} are not run ({files[path].percent:.0f} % are)")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the coverage by package; return 1 when one is below its floor."""
    parser = argparse.ArgumentParser(description="Hold coverage above its floors.")
    parser.add_argument("report", type=Path, help="written by `coverage json`")
    report = json.loads(parser.parse_args(arguments).report.read_text(encoding="utf-8"))
    files = by_file(report)
    sys.stdout.write(describe(files, FLOORS) + "\n")
    return int(any(of_package(files, each.package).percent < each.least for each in FLOORS))


if __name__ == "__main__":
    sys.exit(main())
