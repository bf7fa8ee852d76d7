"""Sum up what ``mutmut run`` has found: ``python -m scripts.mutants [--record]``.

A mutant that makes the tests fail, crash or run out of time is killed. One that they pass, or that
no test runs, lives.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.quality import read_results, write_results

ROOT = Path(__file__).resolve().parent.parent
MUTANTS = Path("mutants")
ENDING = ".meta"

PASSED = 0
NO_TESTS = (5, 33)
LIVING = (PASSED, *NO_TESTS)
"""The exit statuses, in mutmut's files, of tests that have not noticed anything."""
UNCHECKED = (None, 2)
"""Not run yet, or stopped by the user."""


@dataclass(frozen=True)
class FileResult:
    """How the mutants of one source file have ended."""

    mutants: int
    killed: int
    unchecked: int
    living: tuple[str, ...]
    """Their names, as ``mutmut show`` takes them."""

    @classmethod
    def of(cls, statuses: Mapping[str, int | None]) -> FileResult:
        """Take the exit status of the tests for each mutant."""
        living = tuple(name for name, status in statuses.items() if status in LIVING)
        unchecked = sum(status in UNCHECKED for status in statuses.values())
        return cls(len(statuses), len(statuses) - len(living) - unchecked, unchecked, living)


def read_run(root: Path) -> dict[str, FileResult]:
    """Return the result of each source file that has mutants, of which some were run."""
    found = {}
    for path in sorted((root / MUTANTS).rglob(f"*{ENDING}")):
        statuses = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        result = FileResult.of(statuses)
        if result.unchecked < result.mutants:
            found[str(path.relative_to(root / MUTANTS)).removesuffix(ENDING)] = result
    return found


def record(root: Path, run: Mapping[str, FileResult], today: datetime.date) -> None:
    """Keep the results of the files whose mutants have all been run, with the date."""
    files = dict(read_results(root).get("mutants", {}).get("files", {}))
    for name, result in run.items():
        if not result.unchecked:
            counts = {"killed": result.killed, "mutants": result.mutants}
            files[name] = {**counts, "date": today.isoformat()}
    write_results(root, {"mutants": {"command": "make mutants", "files": files}})


def describe(run: Mapping[str, FileResult]) -> str:
    """Say of each file how many mutants were killed, then name those that live."""
    lines = []
    for name, result in run.items():
        checked = result.mutants - result.unchecked
        later = f", {result.unchecked} not run" if result.unchecked else ""
        share = result.killed / checked
        lines.append(f"{name:32}{share:6.1%}  {result.killed} of {checked}{later}")
    return "\n".join([*lines, *(name for result in run.values() for name in result.living)])


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Print the results; with ``--record``, keep them for ``make figures``."""
    parser = argparse.ArgumentParser(description="Sum up a run of mutmut.")
    parser.add_argument("--record", action="store_true", help="keep the results in docs/results")
    asked = parser.parse_args(arguments)
    run = read_run(root)
    sys.stdout.write(describe(run) + "\n")
    if asked.record:
        record(root, run, datetime.datetime.now(tz=datetime.UTC).date())
    return 0


if __name__ == "__main__":
    sys.exit(main())
