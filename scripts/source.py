"""The Python files of a tree, parsed."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE_PACKAGES = ("xcopa", "loadtests", "models", "planning", "app")
"""The top packages, from the top layer down."""

TESTS = "tests"

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One Python file."""

    path: Path
    """Relative to the root of the tree."""
    text: str
    tree: ast.Module

    @classmethod
    def read(cls, root: Path, path: Path) -> Module:
        """Read a file below ``root``."""
        text = path.read_text(encoding="utf-8")
        return cls(path.relative_to(root), text, ast.parse(text, str(path)))

    @property
    def name(self) -> str:
        """The dotted name; a package's own file has the name of the package."""
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if self.is_package else parts)

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    def functions(self) -> Iterator[FunctionNode]:
        """Every function and method, also nested ones."""
        for node in ast.walk(self.tree):
            if isinstance(node, FunctionNode):
                yield node


def read_modules(root: Path, folders: Iterable[str]) -> list[Module]:
    """Read every Python file below the named folders that exist, in order of their paths."""
    paths = sorted(path for folder in folders for path in (root / folder).rglob("*.py"))
    return [Module.read(root, path) for path in paths]


def function_lines(function: FunctionNode) -> int:
    """Count the lines from ``def`` to the end, without those of the docstring."""
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1 - _docstring_lines(function)


def _docstring_lines(function: FunctionNode) -> int:
    if ast.get_docstring(function, clean=False) is None:
        return 0
    first = function.body[0]
    assert first.end_lineno is not None
    return first.end_lineno - first.lineno + 1
