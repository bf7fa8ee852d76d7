"""Write the reference pages that come from the code: ``python -m scripts.reference``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

from app.telemetry.declarations import DECLARATIONS, AnyDeclaration
from xcopa.main import app

ROOT = Path(__file__).resolve().parent.parent
GENERATED = "<!-- `make reference` writes this page; do not edit it. -->"


def metrics() -> str:
    """Return ``docs/reference/metrics.md``: every metric, with a query to begin with."""
    parts = [
        "# Metrics",
        GENERATED,
        "`GET /metrics` has these as Prometheus' text or as OpenMetrics, beside those of the\n"
        "process and of Python. All begin with `xcopa_`, and use base units.\n"
        "They are declared in `app/telemetry/declarations.py`.",
        *map(_metric, DECLARATIONS),
    ]
    return "\n\n".join(parts) + "\n"


def _metric(metric: AnyDeclaration) -> str:
    facts = [f"{metric.kind.__name__.lower()}, in {metric.unit}"]
    if metric.labels:
        facts.append("labels " + ", ".join(f"`{label}`" for label in metric.labels))
    if metric.seeds:
        facts.append(f"`{metric.labels[-1]}` is one of " + ", ".join(metric.seeds))
    if metric.buckets:
        facts.append(f"buckets from {metric.buckets[0]:g} to {metric.buckets[-1]:g}")
    query = f"```promql\n{metric.query}\n```"
    return "\n\n".join([f"## {metric.name}", metric.help, "; ".join(facts) + ".", query])


def commands() -> str:
    """Return ``docs/reference/cli.md``: every command with its arguments and options."""
    root = typer.main.get_command(app)
    parts = [
        "# Command line",
        GENERATED,
        "Settings come from `XCOPA_*` variables ([settings](settings.md)). A command that fails\n"
        "says why in one line and exits with 1.",
        *_command("xcopa", root),
    ]
    return "\n\n".join(parts) + "\n"


def _command(path: str, command: Any) -> Iterator[str]:
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from _command(f"{path} {name}", child)
        return
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    usage = " ".join([path, *(argument.name.upper() for argument in arguments)])
    yield f"## {usage}\n\n{command.help}"
    rows = [f"| `{_spelling(p)}` | {_said(p)} |" for p in (*arguments, *options)]
    if rows:
        yield "\n".join(["| | |", "|---|---|", *rows])


def _spelling(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.name).upper()
    return f"{parameter.opts[0]} {parameter.metavar or 'VALUE'}"


def _said(parameter: Any) -> str:
    said = [parameter.help or ""]
    if parameter.required:
        said.append("Required.")
    elif parameter.default not in (None, [], ()):
        said.append(f"Default `{parameter.default}`.")
    if parameter.envvar:
        said.append(f"Or the variable `{parameter.envvar}`.")
    return " ".join(said)


PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/metrics.md": metrics,
    "docs/reference/cli.md": commands,
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
