"""Install this project into a virtual environment: ``python scripts/install.py [EXTRA,...]``.

torch is installed first, and alone. On Linux the default index has torch's CUDA build, which brings
gigabytes of libraries; a machine without an NVIDIA GPU gets the CPU build from torch's own index.
All other packages follow at the versions in constraints.txt: with uv if it is on the path, else
with pip. ``TORCH_INDEX_URL`` names another index for torch; empty, it means the default index.

This file uses the standard library alone, because it runs before anything is installed.
Decision: docs/decisions/0021-reproducible-installs.md
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
OLDEST_PYTHON = (3, 11)
PROBE_TIMEOUT_S = 4.0
# Quiet twice: errors are shown, and warnings of the build backend about this tree are not.
PIP_INSTALL = ("-m", "pip", "install", "--quiet", "--quiet")
# The kernel module's folder: it is there when the driver is loaded.
NVIDIA_DRIVER = Path("/proc/driver/nvidia")

# Runs a command and returns its exit status.
Run = Callable[[Sequence[str]], int]


class InstallError(Exception):
    """The installation cannot continue; the message says why, in one line."""


class TorchIndex(NamedTuple):
    """The index that torch comes from, and why. Without a URL it is pip's default index."""

    url: str | None
    reason: str


def has_nvidia_gpu() -> bool:
    """Whether this machine has NVIDIA's driver."""
    return shutil.which("nvidia-smi") is not None or NVIDIA_DRIVER.exists()


def is_reached(index: str) -> bool:
    """Whether an index answers within a few seconds."""
    request = urllib.request.Request(f"{index}/torch/", method="HEAD")  # noqa: S310 - see CPU_INDEX
    try:
        with urllib.request.urlopen(request, timeout=PROBE_TIMEOUT_S):  # noqa: S310
            return True
    except (OSError, HTTPException):
        return False


def choose_index(
    environment: Mapping[str, str], *, default_is_cuda: bool, reached: Callable[[str], bool]
) -> TorchIndex:
    """Return where torch comes from.

    Args:
        environment: may name the index in ``TORCH_INDEX_URL``.
        default_is_cuda: whether the default index has a CUDA build that is of no use here.
        reached: says whether an index answers; asked only if that matters.
    """
    named = environment.get("TORCH_INDEX_URL")
    if named is not None:
        return TorchIndex(named or None, "as TORCH_INDEX_URL says")
    if not default_is_cuda:
        return TorchIndex(None, "the build for this machine")
    if reached(CPU_INDEX):
        return TorchIndex(CPU_INDEX, "the CPU build, since there is no NVIDIA GPU")
    return TorchIndex(
        None, f"{CPU_INDEX} cannot be reached; the default index may bring CUDA libraries"
    )


def pinned(name: str, constraints: str) -> str:
    """Return the version of a package in the text of a constraints file."""
    for line in constraints.splitlines():
        package, separator, rest = line.partition("==")
        if separator and package.strip() == name:
            return rest.split(";")[0].strip()
    raise InstallError(f"constraints.txt has no version of {name}; `make lock` writes the file")


def torch_command(python: str, version: str, index: TorchIndex) -> list[str]:
    """Return the command that installs torch without what it depends on."""
    # --no-deps: no other package may come from torch's index.
    where = [] if index.url is None else ["--index-url", index.url]
    return [python, *PIP_INSTALL, "--no-deps", *where, f"torch=={version}"]


def project_command(python: str, extra: str | None, uv: str | None) -> list[str]:
    """Return the command that installs the project and all that it depends on."""
    installer = [python, *PIP_INSTALL]
    if uv is not None:
        installer = [uv, "pip", "install", "--quiet", "--python", python]
    project = str(ROOT) + (f"[{extra}]" if extra else "")
    return [*installer, "--constraint", str(CONSTRAINTS), "--editable", project]


def check_extras(extras: str) -> None:
    """Raise InstallError if one of the extras is none of the project's: pip ignores it."""
    # Here, because an older Python has none and must reach the line that says so.
    import tomllib  # noqa: PLC0415

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = project["optional-dependencies"]
    for extra in extras.split(","):
        if extra not in known:
            raise InstallError(f"there is no extra {extra!r}; there are {', '.join(known)}")


def installed_torch(python: str) -> str | None:
    """Return the version of torch that an environment has, without its build (``+cpu``)."""
    code = "from importlib.metadata import version; print(version('torch'))"
    asked = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return asked.stdout.strip().partition("+")[0] if asked.returncode == 0 else None


def install_torch(python: str, *, run: Run, say: Callable[[str], None]) -> None:
    """Install torch into the environment that ``python`` belongs to, if it lacks this version.

    Raises:
        InstallError: the command failed; it has said why.
    """
    version = pinned("torch", CONSTRAINTS.read_text(encoding="utf-8"))
    if installed_torch(python) != version:
        cuda = platform.system() == "Linux" and not has_nvidia_gpu()
        index = choose_index(os.environ, default_is_cuda=cuda, reached=is_reached)
        say(f"torch {version} from {index.url or 'the default index'}: {index.reason}")
        if run(torch_command(python, version, index)) != 0:
            raise InstallError("torch could not be installed; TORCH_INDEX_URL= names its index")


def install(python: str, extra: str | None, *, run: Run, say: Callable[[str], None]) -> None:
    """Install torch and the project into the environment that ``python`` belongs to.

    Raises:
        InstallError: a command failed; it has said why.
    """
    install_torch(python, run=run, say=say)
    uv = shutil.which("uv")
    if uv is not None and run(project_command(python, extra, uv)) == 0:
        return
    if uv is not None:
        # uv does not read pip's configuration, which may name the only index that is reached.
        say("uv could not install the packages; trying pip")
    if run(project_command(python, extra, None)) != 0:
        raise InstallError("pip could not install the packages")


def main(arguments: Sequence[str] | None = None, *, run: Run = subprocess.call) -> int:
    """Make the environment if there is none, and install into it."""
    parser = argparse.ArgumentParser(description="Install this project, at the locked versions.")
    parser.add_argument("extra", nargs="?", help="extras of pyproject.toml, such as train,evaluate")
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="the environment")
    options = parser.parse_args(arguments)
    try:
        if sys.version_info < OLDEST_PYTHON:
            oldest, found = (".".join(map(str, v[:2])) for v in (OLDEST_PYTHON, sys.version_info))
            raise InstallError(
                f"Python {oldest} or newer is needed, not {found}; PYTHON= names one"
            )
        if options.extra:
            check_extras(options.extra)
        python = options.venv / "bin" / "python"
        if not python.exists() and run([sys.executable, "-m", "venv", str(options.venv)]) != 0:
            raise InstallError(f"no virtual environment could be made in {options.venv}")
        install(str(python), options.extra, run=run, say=lambda line: print(line, flush=True))
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
