"""Makes the environment of the peers, once: ``python -m loadtests.peers.install``.

It is in ``.venv-peers`` beside the project's own, which stays as it is. torch is chosen as
``scripts/install.py`` chooses it. What has changed in the list of versions is installed anew.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from scripts.install import CONSTRAINTS, PIP_INSTALL, InstallError, Run, install_torch, pinned

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-peers"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_INSTALLED = "installed.txt"


def wanted() -> str:
    """Return what the environment should hold, as its marker says it."""
    torch = pinned("torch", CONSTRAINTS.read_text(encoding="utf-8"))
    return f"torch=={torch}\n{REQUIREMENTS.read_text(encoding='utf-8')}"


def is_installed(environment: Path = ENVIRONMENT) -> bool:
    """Whether the environment is there, with all that it should hold."""
    marker = environment / _INSTALLED
    return marker.exists() and marker.read_text(encoding="utf-8") == wanted()


def install(
    environment: Path = ENVIRONMENT,
    *,
    run: Run = subprocess.call,
    say: Callable[[str], None] = print,
) -> Path:
    """Make the environment unless it is there, and return its interpreter.

    Raises:
        InstallError: a command failed; it has said why.
    """
    python = environment / "bin" / "python"
    if is_installed(environment):
        return python
    say(f"installing the peers into {environment}, once; torch is large and takes a while")
    if not python.exists() and run([sys.executable, "-m", "venv", str(environment)]) != 0:
        raise InstallError(f"no virtual environment could be made in {environment}")
    install_torch(str(python), run=run, say=say)
    if run([str(python), *PIP_INSTALL, "--requirement", str(REQUIREMENTS)]) != 0:
        raise InstallError("pip could not install the peers")
    (environment / _INSTALLED).write_text(wanted(), encoding="utf-8")
    return python


def main() -> int:
    """Make the environment; return the exit status."""
    try:
        install()
    except InstallError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's own words
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
