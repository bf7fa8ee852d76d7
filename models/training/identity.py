"""What a phase depends on, and how a folder that was made with something else is found out.

Each phase's folder has a ``depends-on.json``: the recipe up to this phase, the seeds, the digest of
every set, the digest of the base and the version of the code. A run goes on only in folders whose
record equals its own. Paths are no part of it, since what is there is digested.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from app import __version__
from app.engine import prompt
from app.weights.checkpoint import Checkpoint
from app.weights.files import readable
from models.training.recipe import Recipe

MARKER = "depends-on.json"

_PACKAGES = ("torch", "transformers", "peft", "accelerate", "tokenizers")
"""Another version of these may come to other weights."""

_DIGITS = 12
_MOST_NAMES = 4
_ABSENT = object()
_KINDS = {
    "base": "another base",
    "code": "other code",
    "data": "other data",
    "recipe": "another recipe",
}

DependsOn = Mapping[str, Mapping[str, Any]]
"""By kind (``base``, ``code``, ``data``, ``recipe``): a value by its name."""


@dataclass(frozen=True)
class Provenance:
    """What a run is made from, besides recipe and data."""

    base: str
    """Revision of the base, as the service gives it to a model."""
    code: Mapping[str, str]
    """Versions by package, and a digest of the files of training themselves: a checkout changes
    between two versions."""

    @classmethod
    def of(cls, base: Path) -> Provenance:
        """Hash a base, and look up versions.

        Args:
            base: the directory of a full checkpoint.

        Raises:
            StartError: a file of it cannot be read.
        """
        versions = {name: version(name) for name in _PACKAGES}
        code = {"xcopa-service": __version__, "models/training": _source_digest(), **versions}
        checkpoint = Checkpoint(str(base), full=base)
        with readable(checkpoint.source):
            return cls(checkpoint.revision(), code)


@cache
def _source_digest() -> str:
    """Hash the code that makes rows and steps; what the sets' code makes is in their digests."""
    files = [*sorted(Path(__file__).parent.glob("*.py")), Path(prompt.__file__)]
    digest = hashlib.sha256()
    for path in files:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:_DIGITS]


def depends_on(
    recipe: Recipe, seeds: Sequence[int], data: Mapping[str, str], provenance: Provenance
) -> DependsOn:
    """Return what the first phases depend on: not on later ones, nor on other seeds.

    Args:
        recipe: of the run.
        seeds: that these phases draw from, in order.
        data: digests of the sets of these phases.
        provenance: of the run.
    """
    everything = recipe.model_dump(mode="json", exclude={"name", "seeds", "base", "publish"})
    own = everything["phases"][: len(seeds)]
    for phase in own:
        if phase["masked_text"] is not None:
            del phase["masked_text"]["files"]
    flat = dict(_flatten({**everything, "phases": own, "seeds": list(seeds)}))
    made_from = asdict(provenance)
    return {
        "base": {"revision": made_from["base"]},
        "code": made_from["code"],
        "data": dict(data),
        "recipe": flat,
    }


def _flatten(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value that holds no others, under the names that lead to it."""
    if isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in parts:
            yield from _flatten(part, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def write_marker(folder: Path, own: DependsOn) -> None:
    """Bind a phase's folder to what the phase depends on; one that is bound stays as it is."""
    marker = folder / MARKER
    if marker.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "claiming"
    partial.write_text(json.dumps(own, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    partial.replace(marker)


def recorded_seeds(folder: Path) -> tuple[int, ...] | None:
    """Return the seeds of the phases that led to a folder, by its record; None without one."""
    try:
        own = json.loads((folder / MARKER).read_text(encoding="utf-8"))["recipe"]
        names = sorted(name for name in own if name.startswith("seeds."))
        return tuple(int(own[name]) for name in names) or None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def differences(folder: Path, own: DependsOn) -> str | None:
    """Say what a folder was made with that this run is not; None if that is nothing.

    Args:
        folder: of a phase.
        own: what this run would record there.
    """
    try:
        before = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return f"something that it has no record of ({MARKER} is missing or damaged)"
    if before == own:
        return None
    if not isinstance(before, dict) or before.keys() != own.keys():
        return "an earlier version, which recorded less"
    found = {kind: list(_changes(before[kind], own[kind])) for kind in own}
    return " and ".join(
        f"{_KINDS[kind]} ({_name_some(changes)})" for kind, changes in found.items() if changes
    )


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys((*now, *before)):
        old, new = before.get(name, _ABSENT), now.get(name, _ABSENT)
        if old != new:
            yield f"{name} was {_shown(old)}, is {_shown(new)}"


def _shown(value: object) -> str:
    if value is _ABSENT:
        return "absent"
    text = str(value)
    is_digest = len(text) == hashlib.sha256().digest_size * 2
    return text[:_DIGITS] if is_digest else text


def _name_some(changes: list[str]) -> str:
    more = len(changes) - _MOST_NAMES
    return "; ".join(changes[:_MOST_NAMES]) + (f"; and {more} more" if more > 0 else "")
