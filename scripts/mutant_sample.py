"""A random sample of all mutants: ``python -m scripts.mutant_sample SIZE [--seed N]``.

A whole run takes hours, and what was run of a half-finished one is no random part of it. A sample
tells the share of killed mutants of the code as it is now, with an interval, within half an hour.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.statistics import wilson

ROOT = Path(__file__).resolve().parent.parent
MUTANTS = Path("mutants")
ENDING = ".meta"
SAMPLE = MUTANTS / "sample.json"

PASSED = 0
NO_TESTS = (5, 33)
LIVING = (PASSED, *NO_TESTS)
"""The exit statuses, in mutmut's files, of tests that have not noticed anything."""
OUT_OF_TIME = (24, -24, 36, 152, 255)
"""The statuses for which mutmut says ``timeout``: killed, but a busy machine can be the cause."""
UNCHECKED = (None, 2)
"""Not run yet, or stopped by the user."""


class IncompleteSampleError(Exception):
    """Mutants of the sample were not run, so its share would not be that of all mutants."""


@dataclass(frozen=True)
class SampleResult:
    """How the mutants of a random sample have ended."""

    seed: int
    of: int
    """The number of all mutants, from which the sample was drawn."""
    mutants: int
    killed: int
    out_of_time: int
    """Those of the killed ones whose tests did not end in time."""
    living: tuple[str, ...]

    @property
    def at_least(self) -> float:
        """The lower end of the 95 % interval (Wilson) of the share of killed mutants, 0 to 1."""
        return wilson(self.killed, self.mutants).low


def statuses_by_file(root: Path) -> dict[str, Mapping[str, int | None]]:
    """Return, for each mutated source file, the exit status of each of its mutants."""
    found = {}
    for path in sorted((root / MUTANTS).rglob(f"*{ENDING}")):
        kept = json.loads(path.read_text(encoding="utf-8"))
        name = str(path.relative_to(root / MUTANTS)).removesuffix(ENDING)
        found[name] = kept["exit_code_by_key"]
    return found


def draw(root: Path, size: int, seed: int) -> list[str]:
    """Draw mutants without replacement, keep their names for :func:`read_sample`, return them."""
    population = sorted(name for each in statuses_by_file(root).values() for name in each)
    drawn = random.Random(seed).sample(population, min(size, len(population)))  # noqa: S311
    names = sorted(drawn)
    kept = {"seed": seed, "of": len(population), "names": names}
    (root / SAMPLE).write_text(json.dumps(kept, indent=1), encoding="utf-8")
    return names


def read_sample(root: Path) -> SampleResult | None:
    """Return how the drawn mutants have ended; None where none were drawn.

    Raises:
        IncompleteSampleError: some were not run.
    """
    path = root / SAMPLE
    if not path.is_file():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    everything: dict[str, int | None] = {}
    for each in statuses_by_file(root).values():
        everything.update(each)
    ended = {name: everything.get(name) for name in kept["names"]}
    waiting = sum(status in UNCHECKED for status in ended.values())
    if waiting:
        raise IncompleteSampleError(f"{waiting} of {len(ended)} mutants of the sample were not run")
    living = tuple(name for name, status in ended.items() if status in LIVING)
    late = sum(status in OUT_OF_TIME for status in ended.values())
    killed = len(ended) - len(living)
    return SampleResult(kept["seed"], kept["of"], len(ended), killed, late, living)


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Print the names of the drawn mutants, as ``mutmut run`` takes them."""
    parser = argparse.ArgumentParser(description="Draw mutants at random.")
    parser.add_argument("size", type=int, help="how many")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    sys.stdout.write("\n".join(draw(root, asked.size, asked.seed)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
