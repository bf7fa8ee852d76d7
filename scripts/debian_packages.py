"""Install the programs that tests start: ``python -m scripts.debian_packages``.

On Debian and its kin, root gets those that are missing, and none of their services is started.
Everybody else gets one line that says what is missing and how to get it; tests that need it are
skipped, and say so. Nothing here makes ``make test`` fail.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "chromium": "chromium",
    "nginx": "nginx",
    "haproxy": "haproxy",
    "wrk": "wrk",
}
"""The package of each program."""

POLICY = Path("/usr/sbin/policy-rc.d")
"""What Debian asks before a package starts its service: invoke-rc.d(8)."""

_NO_SERVICE = "#!/bin/sh\nexit 101\n"
_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}

Find = Callable[[str], str | None]
Run = Callable[[Sequence[str], Mapping[str, str]], int]


@dataclass(frozen=True)
class Machine:
    """What can be done here."""

    find: Find
    """Returns where a program is, or None."""
    run: Run
    """Runs a command with an environment, and returns its exit status."""
    is_root: bool
    policy: Path = POLICY


def main(machine: Machine) -> None:
    """Install what is missing, or say in one line what is."""
    missing = sorted({name for each, name in PACKAGES.items() if machine.find(each) is None})
    if not missing:
        return
    names = " ".join(missing)
    if not machine.is_root or machine.find("apt-get") is None:
        _say(f"Tests that need {names} are skipped; on Debian: sudo apt-get install {names}")
        return
    _say(f"Installing the Debian packages {names}, which tests start; their services stay off.")
    environment = {**os.environ, **_QUIET}
    install = ("apt-get", "install", "--yes", "--no-install-recommends", "-qq", *missing)
    try:
        with _without_services(machine.policy):
            for command in (("apt-get", "update", "-qq"), install):
                if status := machine.run(command, environment):
                    words = " ".join(command)
                    _say(f"`{words}` ended with {status}: tests that need {names} may be skipped")
                    return
    except OSError as error:
        _say(f"{error}: tests that need {names} may be skipped")


@contextmanager
def _without_services(policy: Path) -> Iterator[None]:
    """Have packages that are installed start nothing; a policy that is there stays."""
    if policy.exists():
        yield
        return
    policy.write_text(_NO_SERVICE, encoding="utf-8")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    done = subprocess.run(command, env=dict(environment), stdout=subprocess.DEVNULL, check=False)
    return done.returncode


if __name__ == "__main__":
    main(Machine(shutil.which, _run, os.geteuid() == 0))
