"""Programs that others wrote: found, or the test is skipped; run, or the test fails."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

ITEM = {
    "premise": "The street lights went out.",
    "choice1": "A storm came.",
    "choice2": "It was noon.",
    "question": "cause",
}
LIMIT_S = 120
"""Nothing here takes that long on any machine; what does, hangs."""


def needed(name: str) -> str:
    """Return the path of a program, or skip the test."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def output(
    *command: str | Path, stdin: str = "", environment: Mapping[str, str] | None = None
) -> str:
    """Run a program to its end; return what it wrote to its standard output."""
    done = subprocess.run(
        command,
        input=stdin,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}:\n{done.stderr}"
    return done.stdout
