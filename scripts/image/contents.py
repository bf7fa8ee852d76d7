"""Where the bytes of the image are."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.image.results import Part

SHOWN = 12


def layers(inspected: Mapping[str, Any]) -> list[Part]:
    """Return the layers, oldest first, from what ``buildah inspect`` prints."""
    sizes = [layer["size"] for layer in json.loads(inspected["Manifest"])["layers"]]
    steps = [
        each["created_by"]
        for each in inspected["Docker"]["history"]
        if not each.get("empty_layer", False)
    ]
    return [Part(_step(step), size) for step, size in zip(steps, sizes, strict=True)]


def _step(command: str) -> str:
    """Return what a step of the Dockerfile adds, in a word or two."""
    copied = re.search(r"(?:COPY|ADD) .* in (\S+)", command)
    if copied is not None:
        return copied[1]
    return "user, bytecode of Python" if "useradd" in command else "base image"


def size(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder."""
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    return sum(
        Path(folder, name).lstat().st_size for folder, _, names in os.walk(path) for name in names
    )


def largest(root: Path) -> list[Part]:
    """Return the largest packages, and beside them what is not a package, largest first."""
    packages = [*root.glob("opt/venv/lib/python3*/site-packages/*")]
    others = [*root.glob("opt/xcopa/*/*"), *root.glob("usr/*")]
    parts = [Part(_short(path, root), size(path)) for path in [*packages, *others]]
    return sorted(parts, key=lambda part: -part.bytes)[:SHOWN]


def _short(path: Path, root: Path) -> str:
    inside = path.relative_to(root)
    return inside.name if "site-packages" in inside.parts else f"/{inside}"
