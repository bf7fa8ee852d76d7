"""Makes the environments of the peers, once: ``python -m loadtests.peers.install [NAME ...]``.

They are in ``.venv-peers`` and in ``.venv-peers-NAME`` beside the project's own, which stays as it
is. torch is chosen as ``scripts/install.py`` chooses it. What has changed in a list of versions is
installed anew. Without a name, the environment of the benchmark ``peers`` is made.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from loadtests.peers.catalogue import ALL_PEERS
from loadtests.peers.environments import SERVERS, PeerEnvironment
from scripts.install import PIP_INSTALL, InstallError, Run, install_torch


def install(
    environment: PeerEnvironment = SERVERS,
    *,
    run: Run = subprocess.call,
    say: Callable[[str], None] = print,
) -> Path:
    """Make an environment unless it is there, and return its interpreter.

    Raises:
        InstallError: a command failed; it has said why.
    """
    python, folder = environment.python, environment.folder
    if environment.is_installed:
        return python
    say(f"installing the peers into {folder}, once; torch is large and takes a while")
    if not python.exists() and run([sys.executable, "-m", "venv", str(folder)]) != 0:
        raise InstallError(f"no virtual environment could be made in {folder}")
    install_torch(str(python), run=run, say=say)
    if run([str(python), *PIP_INSTALL, "--requirement", str(environment.requirements)]) != 0:
        raise InstallError(f"pip could not install {environment.requirements.name}")
    environment.mark()
    return python


def named(names: Sequence[str]) -> list[PeerEnvironment]:
    """Return the environments of peers, each once.

    Raises:
        InstallError: there is no such peer.
    """
    by_name = {peer.slug: peer.environment_of for peer in ALL_PEERS}
    for name in names:
        if name not in by_name:
            raise InstallError(f"there is no peer {name!r}; there are {', '.join(by_name)}")
    return list(dict.fromkeys(by_name[name] for name in names)) or [SERVERS]


def main(arguments: Sequence[str] | None = None) -> int:
    """Make environments; return the exit status."""
    try:
        for environment in named(sys.argv[1:] if arguments is None else arguments):
            install(environment)
    except InstallError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's own words
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
