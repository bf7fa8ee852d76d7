"""What an overlay says, as Kustomize renders it, which kubectl carries."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

COMMANDS = (("kustomize", "build"), ("kubectl", "kustomize"))
"""The first whose program is installed renders."""

Resource = dict[str, Any]


class ManifestError(Exception):
    """An overlay cannot be rendered, or what it says is wrong."""


def renderer() -> list[str] | None:
    """Return the command that renders a folder, or None where neither program is installed."""
    for program, verb in COMMANDS:
        if found := shutil.which(program):
            return [found, verb]
    return None


def render(folder: Path) -> list[Resource]:
    """Return the resources of an overlay, in the order in which they are applied.

    Raises:
        ManifestError: it cannot be rendered; the message is Kustomize's.
    """
    command = renderer()
    if command is None:
        raise ManifestError("neither kustomize nor kubectl is installed; install one of them")
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ManifestError(f"{folder}: {done.stderr.strip()}")
    if done.stderr:  # what is deprecated still renders, until it does not
        raise ManifestError(f"{folder}: Kustomize warns: {done.stderr.strip()}")
    return list(yaml.safe_load_all(done.stdout))
