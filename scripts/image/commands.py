"""Running the programs that the test of the image needs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

TOOLS = ("buildah", "debootstrap", "runc")
"""Programs, each from the Debian package of its name."""

LAST_LINES = 15


class ImageTestError(Exception):
    """The image cannot be built or started; the message says why."""


def what_lacks() -> str | None:
    """Return, in one line, what this machine lacks for the test; None if nothing."""
    if os.geteuid() != 0:
        return "root is needed to make file systems and to start containers"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    return f"apt-get install {' '.join(missing)}" if missing else None


def output(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        ImageTestError: it failed; the message has its last lines.
    """
    env = {**os.environ, **(environment or {})}
    ended = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        lines = f"{ended.stdout}\n{ended.stderr}".strip().splitlines()[-LAST_LINES:]
        raise ImageTestError(f"{Path(command[0]).name} failed:\n" + "\n".join(lines))
    return ended.stdout


def run_logged(command: Sequence[str | Path], log: Path, environment: Mapping[str, str]) -> None:
    """Run a command that says much, with its words in a file.

    Raises:
        ImageTestError: it failed; the message has its last lines and names the file.
    """
    with log.open("w", encoding="utf-8") as file:
        ended = subprocess.run(
            command, env={**os.environ, **environment}, stdout=file, stderr=file, check=False
        )
    if ended.returncode != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        raise ImageTestError(f"{command[0]} failed (see {log}):\n" + "\n".join(lines))
