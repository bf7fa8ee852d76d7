"""The base image from Debian's packages, and the image from the Dockerfile."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.image.commands import ImageTestError, output, run_logged
from scripts.image.pip_access import PipAccess

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "localhost/xcopa-service:test"
DEBIAN_PACKAGES = ("python3", "python3-venv", "python-is-python3", "ca-certificates")
NOT_IN_SLIM_IMAGES = (
    *("var/cache/apt/*", "var/lib/apt/lists/*", "var/log/*"),
    *("usr/share/doc/*", "usr/share/info/*", "usr/share/locale/*", "usr/share/man/*"),
)


def debian_release(dockerfile: str) -> str:
    """Return the release of Debian that the Dockerfile's own base image has."""
    found = re.search(r"(?m)^ARG PYTHON_IMAGE=python:[\d.]+-slim-(\w+)", dockerfile)
    if found is None:
        raise ImageTestError("the Dockerfile names no slim image of Python")
    return found[1]


@dataclass(frozen=True)
class ImageStore:
    """The images and layers in one folder, kept for the next run."""

    folder: Path

    def buildah(self, *arguments: str | Path) -> str:
        """Run buildah on this store and return what it printed."""
        return output([*self._buildah, *arguments], self._environment)

    @property
    def _buildah(self) -> list[str | Path]:
        return ["buildah", "--root", self.folder / "storage", "--runroot", self.folder / "run"]

    @property
    def _environment(self) -> dict[str, str]:
        # buildah keeps the cache of `RUN --mount=type=cache` there.
        temporary = self.folder / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        return {"TMPDIR": str(temporary)}

    def base(self, release: str) -> str:
        """Return the name of the base image, which is made the first time."""
        name = f"localhost/xcopa-python:{release}"
        if not self.buildah("images", "--quiet", "--filter", f"reference={name}").strip():
            with tempfile.TemporaryDirectory(dir=self._environment["TMPDIR"]) as made:
                files = Path(made) / "root"
                make_root_file_system(files, release, log=self.folder / "debootstrap.log")
                self._commit(files, name)
        return name

    def _commit(self, files: Path, name: str) -> None:
        container = self.buildah("from", "scratch").strip()
        self.buildah("add", "--quiet", container, files, "/")
        self.buildah("commit", "--quiet", "--rm", container, name)

    def build(self, arguments: Mapping[str, str], pip: PipAccess) -> None:
        """Build the image as the Dockerfile says.

        Args:
            arguments: the values of the Dockerfile's ARGs.
            pip: what pip needs to reach the index.
        """
        secrets = [f"id=pip.conf,src={pip.config}"]
        if pip.cert is not None:
            secrets.append(f"id=pip.cert,src={pip.cert}")
        command = [
            *(*self._buildah, "build", "--isolation", "chroot", "--layers"),
            # The OCI's own format has no health check.
            *("--format", "docker", "--tag", IMAGE),
            *(word for secret in secrets for word in ("--secret", secret)),
            *(word for pair in arguments.items() for word in ("--build-arg", "=".join(pair))),
            ROOT,
        ]
        run_logged(command, self.folder / "build.log", self._environment)

    def inspect(self) -> dict[str, Any]:
        """Return what buildah knows of the image."""
        found: dict[str, Any] = json.loads(self.buildah("inspect", "--type", "image", IMAGE))
        return found

    @contextlib.contextmanager
    def mounted(self) -> Iterator[Path]:
        """Yield the root of the image's files, as long as the block runs."""
        container = self.buildah("from", "--pull-never", IMAGE).strip()
        try:
            yield Path(self.buildah("mount", container).strip())
        finally:
            self.buildah("rm", container)

    def remove(self) -> None:
        """Remove the images, the layers and all that is kept with them."""
        self.buildah("rm", "--all")
        self.buildah("rmi", "--all", "--force")
        shutil.rmtree(self.folder)


def make_root_file_system(target: Path, release: str, log: Path) -> None:
    """Install Debian with Python, and remove what slim images lack as well."""
    packages = ",".join(DEBIAN_PACKAGES)
    options: list[str | Path] = ["--variant=minbase", f"--include={packages}"]
    run_logged(["debootstrap", *options, release, target], log, {})
    for pattern in NOT_IN_SLIM_IMAGES:
        for path in target.glob(pattern):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
