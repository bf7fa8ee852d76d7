"""A container of the image, run by runc as Docker or Kubernetes would run it.

The root is read-only, ``/tmp`` is the one place to write, no capability is left, and new
privileges cannot be had. What those engines add, a seccomp profile and limits by cgroups, is not
tried here.
"""

from __future__ import annotations

import contextlib
import json
import re
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.image.commands import ImageTestError, output

READY_LIMIT_S = 180
STOP_LIMIT_S = 120
POLL_S = 0.05
# As `docker run --tmpfs /tmp` mounts it.
TMP = {
    "destination": "/tmp",  # noqa: S108 - inside the container
    "type": "tmpfs",
    "source": "tmpfs",
    "options": ["rw", "noexec", "nosuid", "nodev", "mode=1777"],
}


@dataclass(frozen=True)
class ImageConfig:
    """What the image says about how it is run."""

    user: str
    environment: dict[str, str]
    command: list[str]
    folder: str
    stop_signal: str
    health_check: list[str]

    @classmethod
    def read(cls, inspected: Mapping[str, Any]) -> ImageConfig:
        """Read it from what ``buildah inspect`` prints."""
        config = inspected["Docker"]["config"]
        return cls(
            user=config["User"],
            environment=dict(pair.split("=", 1) for pair in config["Env"]),
            command=[*(config["Entrypoint"] or []), *config["Cmd"]],
            folder=config["WorkingDir"],
            stop_signal=config["StopSignal"],
            health_check=config["Healthcheck"]["Test"][1:],
        )


SOFT_FILES, HARD_FILES = 1_024, 524_288
"""Files that a process may open: what systemd gives to what it starts, container engines among
them, as far as whoever runs the test may give it. ``runc spec`` would have 1,024 for both."""


@dataclass(frozen=True)
class RunOptions:
    """What whoever runs the container chooses."""

    user: str | None = None
    """``uid:gid`` in place of the image's."""
    environment: Mapping[str, str] = field(default_factory=dict)
    host_network: bool = False
    """Whether it shares the network; else it has a loopback interface and nothing more."""


def runtime_config(
    default: dict[str, Any], image: ImageConfig, root: Path, options: RunOptions
) -> dict[str, Any]:
    """Return the configuration that runc reads, from its default one (``runc spec``)."""
    uid, gid = map(int, (options.user or image.user).split(":"))
    environment = image.environment | dict(options.environment)
    process = default["process"] | {
        "terminal": False,
        "user": {"uid": uid, "gid": gid},
        "args": image.command,
        "env": [f"{name}={value}" for name, value in environment.items()],
        "cwd": image.folder,
        "capabilities": {},
        "noNewPrivileges": True,
        "rlimits": [{"type": "RLIMIT_NOFILE", "soft": SOFT_FILES, "hard": _hard_files()}],
    }
    left_out = {"cgroup", "network"} if options.host_network else {"cgroup"}
    spaces = [each for each in default["linux"]["namespaces"] if each["type"] not in left_out]
    return default | {
        "process": process,
        "root": {"path": str(root), "readonly": True},
        "mounts": [*default["mounts"], TMP],
        "linux": default["linux"] | {"namespaces": spaces},
    }


def _hard_files() -> int:
    _, own = resource.getrlimit(resource.RLIMIT_NOFILE)
    return HARD_FILES if own == resource.RLIM_INFINITY else min(own, HARD_FILES)


def handles(status: str, number: int) -> bool:
    """Return whether a process has a handler for a signal, by its ``/proc/PID/status``."""
    found = re.search(r"SigCgt:\s*([0-9a-f]+)", status)
    return found is not None and bool(int(found[1], 16) >> (number - 1) & 1)


class Container:
    """A container that runs; its first process is the service."""

    def __init__(self, name: str, bundle: Path) -> None:
        self.name = name
        self._state = bundle / "state"
        self._log = bundle / "log"
        self._started = time.monotonic()
        with self._log.open("w", encoding="utf-8") as log:
            command = [*self._runc, "run", "--bundle", bundle, name]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    @property
    def _runc(self) -> list[str | Path]:
        return ["runc", "--root", self._state]

    @property
    def log(self) -> str:
        """All that the service has said."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def pid(self) -> int:
        """The number of the service's process outside of the container."""
        return int(json.loads(output([*self._runc, "state", self.name]))["pid"])

    def wait_for_handler(self, number: int) -> float:
        """Wait until the first process has a handler for a signal; return the seconds it took."""
        while self._process.poll() is None:
            with contextlib.suppress(ImageTestError, FileNotFoundError):
                status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
                if "Name:\trunc" not in status and handles(status, number):
                    return time.monotonic() - self._started
            time.sleep(POLL_S)
        raise ImageTestError(f"{self.name} did not start:\n{self.log}")

    def wait_until_ready(self) -> float:
        """Wait until the service says that it is ready; return the seconds since its start."""
        while not re.search(r"xcopa is ready", self.log):
            seconds = time.monotonic() - self._started
            if self._process.poll() is not None or seconds > READY_LIMIT_S:
                raise ImageTestError(f"{self.name} is not ready:\n{self.log}")
            time.sleep(POLL_S)
        return time.monotonic() - self._started

    def execute(self, command: Sequence[str], *options: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container as its user; runc's own options may say otherwise."""
        whole = [*self._runc, "exec", *options, self.name, *command]
        return subprocess.run(whole, capture_output=True, text=True, check=False)

    def signal(self, name: str) -> None:
        """Send the first process a signal."""
        output([*self._runc, "kill", self.name, name])

    def exit_status(self) -> int:
        """Wait until the service has exited and return its status.

        Raises:
            ImageTestError: it goes on.
        """
        try:
            return self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired as expired:
            raise ImageTestError(f"{self.name} does not exit:\n{self.log}") from expired

    def remove(self) -> None:
        """End it at once, if it still runs."""
        command = [*self._runc, "delete", "--force", self.name]
        subprocess.run(command, capture_output=True, check=False)
        self._process.wait()


@contextlib.contextmanager
def running(name: str, image: ImageConfig, root: Path, options: RunOptions) -> Iterator[Container]:
    """Yield a started container, and remove it when the block ends."""
    with tempfile.TemporaryDirectory(prefix="xcopa-container-") as folder:
        bundle = Path(folder)
        output(["runc", "spec", "--bundle", bundle])
        file = bundle / "config.json"
        default = json.loads(file.read_text(encoding="utf-8"))
        config = runtime_config(default, image, root, options)
        file.write_text(json.dumps(config), encoding="utf-8")
        container = Container(name, bundle)
        try:
            yield container
        finally:
            container.remove()
