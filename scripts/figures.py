"""Measure the source tree and compare it with its targets: ``python -m scripts.figures``.

Sources are the Python files of the four top packages, tests those under ``tests/``. A function is
measured from ``def`` to its end, without its docstring. A module has a test of its name when some
``test_<name>.py`` lies under ``tests/``; packages' own files (``__init__``) and ``__main__`` are
not asked for one. What a module defines is a type name when it is a public class, or a public
alias of a type that does more than give another name to it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.imports import circles, import_graph, upward_arrows
from scripts.quality import Quality
from scripts.source import SOURCE_PACKAGES, TESTS, Module, function_lines, read_modules
from scripts.type_names import type_names_with_two_meanings

ROOT = Path(__file__).resolve().parent.parent
NOT_MEASURED = "not measured"
WITHOUT_A_TEST = ("__init__", "__main__")


@dataclass(frozen=True)
class Target:
    """The largest value that is good enough, or the smallest."""

    bound: float
    is_floor: bool = False
    form: str = "g"
    """How values are written, in the language of ``format``."""

    def __str__(self) -> str:
        return f"at {'least' if self.is_floor else 'most'} {self.write(self.bound)}"

    def write(self, value: float) -> str:
        """Return a value as the table shows it."""
        return f"{value:{self.form}}"

    def is_met_by(self, value: float) -> bool:
        """Say whether a value is good enough."""
        return value >= self.bound if self.is_floor else value <= self.bound


NONE = Target(0)
FILE_LINES = Target(399)
LONGEST_FUNCTION = Target(40)
MEDIAN_FUNCTION = Target(6)
TESTS_PER_1000_LINES = Target(45, is_floor=True, form=".3g")
MIRRORED = Target(0.75, is_floor=True, form=".0%")
SKIPPED = Target(10)
KILLED = Target(0.9, is_floor=True, form=".1%")


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    value: float | None
    """None where nobody has measured it."""
    target: Target
    detail: str = ""
    """Where the value comes from: the file, the function, the names."""

    @property
    def met(self) -> bool:
        return self.value is not None and self.target.is_met_by(self.value)

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The line as text."""
        value = NOT_MEASURED if self.value is None else self.target.write(self.value)
        return self.what, value, str(self.target), "met" if self.met else "NOT MET"


def measure(root: Path) -> list[Figure]:
    """Return every figure of the tree at ``root``."""
    sources = read_modules(root, SOURCE_PACKAGES)
    tests = read_modules(root, [TESTS])
    quality = Quality.read(root)
    return [
        *_imports(sources),
        _largest("largest source file, in lines", sources),
        _largest("largest test file, in lines", tests),
        *_functions(sources),
        _density(sources, tests),
        _mirrored(sources, tests),
        _type_names(sources),
        Figure("skipped tests in a bare clone", quality.skipped, SKIPPED),
        Figure("mutants killed, files run whole", quality.killed, KILLED),
        Figure("mutants killed, random sample, at least", quality.killed_at_least, KILLED),
    ]


def _imports(sources: Sequence[Module]) -> list[Figure]:
    graph = import_graph(sources)
    up = sorted(" -> ".join(rooms) for rooms in upward_arrows(graph))
    knots = [" <-> ".join(names) for names in circles(graph)]
    return [
        Figure("import arrows that run up", len(up), NONE, ", ".join(up)),
        Figure("circles of files", len(knots), NONE, ", ".join(knots)),
    ]


def _largest(what: str, modules: Sequence[Module]) -> Figure:
    largest = max(modules, key=lambda module: module.lines)
    return Figure(what, largest.lines, FILE_LINES, str(largest.path))


def _functions(sources: Sequence[Module]) -> list[Figure]:
    lengths = {
        f"{module.path}:{function.lineno} {function.name}": function_lines(function)
        for module in sources
        for function in module.functions()
    }
    where = max(lengths, key=lengths.__getitem__)
    median = statistics.median(lengths.values())
    return [
        Figure("longest function, in lines", lengths[where], LONGEST_FUNCTION, where),
        Figure("median function, in lines", median, MEDIAN_FUNCTION),
    ]


def _density(sources: Sequence[Module], tests: Sequence[Module]) -> Figure:
    lines = sum(module.lines for module in sources)
    count = sum(
        function.name.startswith("test_") for module in tests for function in module.functions()
    )
    return Figure(
        "tests per 1,000 lines of source",
        1000 * count / lines,
        TESTS_PER_1000_LINES,
        f"{count} tests, {lines} lines in {len(sources)} files",
    )


def _mirrored(sources: Sequence[Module], tests: Sequence[Module]) -> Figure:
    names = {module.path.stem for module in tests}
    wanted = [module for module in sources if module.path.stem not in WITHOUT_A_TEST]
    without = [str(module.path) for module in wanted if f"test_{module.path.stem}" not in names]
    return Figure(
        "modules with a test file of their name",
        1 - len(without) / len(wanted),
        MIRRORED,
        f"{len(without)} of {len(wanted)} have none: {', '.join(without)}",
    )


def _type_names(sources: Sequence[Module]) -> Figure:
    found = type_names_with_two_meanings(sources)
    named = [f"{name} ({', '.join(where)})" for name, where in found.items()]
    return Figure("public type names with two meanings", len(found), NONE, ", ".join(named))


def table(figures: Sequence[Figure]) -> str:
    """Lay the figures out in columns; details are below the figures that miss their target."""
    rows = [("what", "value", "target", ""), *(figure.cells for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    missed = [f"{f.what}: {f.detail}" for f in figures if f.detail and not f.met]
    return "\n".join([*lines, *([""] if missed else []), *missed])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; with ``--check``, return 1 when a target is missed."""
    parser = argparse.ArgumentParser(description="Measure the source tree.")
    parser.add_argument("--check", action="store_true", help="fail when a target is missed")
    parser.add_argument("root", nargs="?", type=Path, default=ROOT, help="the tree to measure")
    asked = parser.parse_args(arguments)
    figures = measure(asked.root)
    sys.stdout.write(table(figures) + "\n")
    return int(asked.check and not all(figure.met for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
