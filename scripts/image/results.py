"""The log of a run: ``docs/results/image.json``, and the tables of ``docs/results/image.md``."""

from __future__ import annotations

import datetime
import json
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.machine import processor_name

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"
PAGE, DATA = RESULTS / "image.md", RESULTS / "image.json"
COMMAND = "make image-test"
MEGABYTE = 1e6

_BLOCK = re.compile(r"(<!-- image:begin (\w+) -->\n).*?(<!-- image:end -->)", re.DOTALL)


@dataclass(frozen=True)
class Check:
    """A promise of the image, and what was seen."""

    promise: str
    kept: bool
    seen: str


@dataclass(frozen=True)
class Part:
    """Something in the image, and its size."""

    name: str
    bytes: int


@dataclass(frozen=True)
class ImageLog:
    """All that a run has found."""

    tools: Mapping[str, str]
    """Versions of what was used."""
    seconds: Mapping[str, float]
    layers: Sequence[Part]
    largest: Sequence[Part]
    environment: Mapping[str, str]
    checks: Sequence[Check]

    @property
    def passed(self) -> bool:
        return all(check.kept for check in self.checks)

    def to_json(self) -> str:
        """Return the file's text."""
        today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
        machine = {"processor": processor_name(), "system": platform.system()}
        head = {"command": COMMAND, "date": today, "machine": machine}
        total = {"bytes": sum(layer.bytes for layer in self.layers)}
        return json.dumps(head | total | asdict(self), indent=2) + "\n"


def table(name: str, log: Mapping[str, Any]) -> str:
    """Return a table of the page."""
    makers = {"checks": _checks, "layers": _layers, "largest": _largest, "environment": _variables}
    return makers[name](log)


def _checks(log: Mapping[str, Any]) -> str:
    rows = [
        (each["promise"], "yes" if each["kept"] else "**no**", each["seen"])
        for each in log["checks"]
    ]
    times = ", ".join(f"{what} {seconds:.0f} s" for what, seconds in log["seconds"].items())
    tools = ", ".join(f"{name} {version}" for name, version in log["tools"].items())
    when = f"`{log['command']}`, {log['date']}: {tools}. Time: {times}."
    return f"{_rows(('promise', 'kept', 'seen'), rows)}\n{when}\n"


def _layers(log: Mapping[str, Any]) -> str:
    total = {"name": "together", "bytes": log["bytes"]}
    return _sizes("layer", [*log["layers"], total])


def _largest(log: Mapping[str, Any]) -> str:
    return _sizes("path", log["largest"])


def _variables(log: Mapping[str, Any]) -> str:
    rows = [(f"`{name}`", f"`{value}`") for name, value in log["environment"].items()]
    return _rows(("variable", "value"), rows)


def _sizes(what: str, parts: Sequence[Mapping[str, Any]]) -> str:
    rows = [(part["name"], f"{part['bytes'] / MEGABYTE:,.1f}") for part in parts]
    return _rows((what, "MB"), rows)


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def rewritten(page: str, log: Mapping[str, Any]) -> str:
    """Return the page with each table made of the log."""
    return _BLOCK.sub(lambda found: found[1] + table(found[2], log) + found[3], page)


def write(log: ImageLog) -> None:
    """Keep the log, and make the page's tables of it."""
    DATA.write_text(log.to_json(), encoding="utf-8")
    kept = json.loads(DATA.read_text(encoding="utf-8"))
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), kept), encoding="utf-8")
