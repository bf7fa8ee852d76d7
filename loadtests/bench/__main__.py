"""Measures what ``docs/performance.md`` reports.

    python -m loadtests.bench                     # everything, some 35 minutes
    python -m loadtests.bench encoder overhead    # some of it

Sides alternate within one run; printed are medians with the least and the greatest.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
from collections.abc import Callable
from pathlib import Path

import psutil
import torch
from rich.console import Console
from rich.table import Table

from loadtests.bench import encoder, overhead, pressure, training
from loadtests.bench.figures import Figure

MEASUREMENTS: dict[str, Callable[[Console], list[Figure]]] = {
    "encoder": encoder.measure,
    "training": training.measure,
    "overhead": overhead.measure,
    "null": overhead.measure_null,
    "plain": overhead.measure_plain,
    "fairness": pressure.measure_fairness,
    "overload": pressure.measure_overload,
    "soak": pressure.measure_soak,
}


def main() -> None:
    """Measure and print; keep the figures where ``--out`` says."""
    arguments = _arguments()
    console = Console(stderr=True)
    known = _read(arguments.out)
    for name in arguments.measurements or MEASUREMENTS:
        console.rule(name)
        figures = MEASUREMENTS[name](console)
        _print(name, figures)
        known[name] = {"machine": _machine(), "figures": [each.to_json() for each in figures]}
        if arguments.out is not None:
            arguments.out.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("measurements", nargs="*", choices=[[], *MEASUREMENTS], default=[])
    parser.add_argument("--out", type=Path, help="JSON with the figures; others in it are kept")
    return parser.parse_args()


def _read(path: Path | None) -> dict[str, dict[str, object]]:
    if path is None or not path.exists():
        return {}
    content: dict[str, dict[str, object]] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _machine() -> dict[str, object]:
    return {
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "processor": _processor(),
        "cores": len(psutil.Process().cpu_affinity()),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _print(name: str, figures: list[Figure]) -> None:
    table = Table(title=name)
    for column in ("figure", "median", "least", "greatest", "target", "details"):
        table.add_column(column)
    for figure in figures:
        numbers = [f"{value:.3g}" for value in (figure.value, figure.least, figure.greatest)]
        table.add_row(figure.name, *numbers, figure.target, json.dumps(figure.details))
    Console(width=200).print(table)


if __name__ == "__main__":
    main()
