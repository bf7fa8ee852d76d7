"""Sum up what ``mutmut run`` has found: ``python -m scripts.mutants [--record]``.

A mutant that makes the tests fail, crash or run out of time is killed. One that they pass, or that
no test runs, lives.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.mutant_sample import (
    LIVING,
    ROOT,
    UNCHECKED,
    IncompleteSampleError,
    SampleResult,
    read_sample,
    statuses_by_file,
)
from scripts.quality import read_results, write_results


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
    results = {name: FileResult.of(each) for name, each in statuses_by_file(root).items()}
    return {name: result for name, result in results.items() if result.unchecked < result.mutants}


def record(root: Path, run: Mapping[str, FileResult], today: datetime.date) -> None:
    """Keep the results of the files whose mutants have all been run, with the date."""
    kept = read_results(root).get("mutants", {})
    files = dict(kept.get("files", {}))
    for name, result in run.items():
        if not result.unchecked:
            counts = {"killed": result.killed, "mutants": result.mutants}
            files[name] = {**counts, "date": today.isoformat()}
    write_results(root, {"mutants": kept | {"command": "make mutants", "files": files}})


def record_sample(root: Path, sample: SampleResult, today: datetime.date) -> None:
    """Keep the result of the random sample, in place of an earlier one, with the date."""
    found = {
        "command": f"make mutants SAMPLE={sample.mutants} SEED={sample.seed}",
        "date": today.isoformat(),
        "killed": sample.killed,
        "mutants": sample.mutants,
        "of": sample.of,
        "out_of_time": sample.out_of_time,
    }
    kept = read_results(root).get("mutants", {"files": {}})
    write_results(root, {"mutants": kept | {"sample": found}})


def describe(run: Mapping[str, FileResult]) -> str:
    """Say of each file how many mutants were killed, then name those that live."""
    lines = []
    for name, result in run.items():
        checked = result.mutants - result.unchecked
        later = f", {result.unchecked} not run" if result.unchecked else ""
        share = result.killed / checked
        lines.append(f"{name:32}{share:6.1%}  {result.killed} of {checked}{later}")
    return "\n".join([*lines, *(name for result in run.values() for name in result.living)])


def describe_sample(sample: SampleResult) -> str:
    """Say which share of all mutants is killed, by the sample."""
    share = sample.killed / sample.mutants
    return (
        f"random sample: {share:.1%} killed, at least {sample.at_least:.1%}"
        f" ({sample.mutants} of {sample.of} mutants; {sample.out_of_time} ran out of time)"
    )


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Print the results; with ``--record``, keep them for ``make figures``."""
    parser = argparse.ArgumentParser(description="Sum up a run of mutmut.")
    parser.add_argument("--record", action="store_true", help="keep the results in docs/results")
    asked = parser.parse_args(arguments)
    run = read_run(root)
    sys.stdout.write(describe(run) + "\n")
    today = datetime.datetime.now(tz=datetime.UTC).date()
    if asked.record:
        record(root, run, today)
    try:
        sample = read_sample(root)
    except IncompleteSampleError as error:
        sys.stderr.write(f"{error}; it is not recorded\n")
        return 1
    if sample is None:
        return 0
    sys.stdout.write(describe_sample(sample) + "\n")
    if asked.record:
        record_sample(root, sample, today)
    return 0


if __name__ == "__main__":
    sys.exit(main())
