"""Lists the scenarios: ``make loadtests``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

_HERE = Path(__file__).parent


def scenarios() -> Iterator[tuple[str, str, str]]:
    """Yield the name of each scenario, its question, and its command."""
    for path in sorted(_HERE.glob("[!_]*.py")):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        question, _, rest = text.partition("\n")
        command = next(line for line in rest.splitlines() if line.strip().startswith("locust"))
        yield path.stem, question, command.strip()


def main() -> None:
    """Print what each is for, and how it is run."""
    for name, question, command in scenarios():
        print(f"{name:<11}{question}\n{'':11}{command}\n")  # noqa: T201


if __name__ == "__main__":
    main()
