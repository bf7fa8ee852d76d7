"""What takes too long for ``make figures``: results of earlier runs, kept with their dates."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.statistics import wilson

QUALITY = Path("docs/results/quality.json")


@dataclass(frozen=True)
class Quality:
    """The last results; None for what nobody has measured."""

    skipped: int | None = None
    """Skipped tests of ``make test`` in a bare clone."""
    killed: float | None = None
    """The share of mutants that tests kill, from 0 to 1, over the files that were run whole."""
    killed_at_least: float | None = None
    """The same of all mutants: the lower end of the interval of a random sample."""

    @classmethod
    def read(cls, root: Path) -> Quality:
        """Read the committed results; a tree without them has none."""
        kept = read_results(root)
        return cls(_skipped(kept), _killed(kept), _killed_at_least(kept))


def read_results(root: Path) -> dict[str, Any]:
    """Return all that is kept of earlier runs."""
    path = root / QUALITY
    if not path.is_file():
        return {}
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return kept


def write_results(root: Path, results: dict[str, Any]) -> None:
    """Keep the results of a run beside those of others."""
    path = root / QUALITY
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(read_results(root) | results, indent=2, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


def _skipped(kept: dict[str, Any]) -> int | None:
    return int(kept["bare_clone"]["skipped"]) if "bare_clone" in kept else None


def _killed_at_least(kept: dict[str, Any]) -> float | None:
    sample = kept.get("mutants", {}).get("sample")
    return wilson(sample["killed"], sample["mutants"]).low if sample else None


def _killed(kept: dict[str, Any]) -> float | None:
    files = kept.get("mutants", {}).get("files", {}).values()
    if not files:
        return None
    killed, mutants = (sum(int(file[count]) for file in files) for count in ("killed", "mutants"))
    return killed / mutants
