"""What the image promises, tried on running containers."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.image.container import Container, ImageConfig, RunOptions, running
from scripts.image.questions import EXAMPLE, LONG_CALL, Reply, ask, ask_inside, stopped_while_busy
from scripts.image.results import Check, Part

SIZE_LIMIT = 2_000_000_000
USER = 10001
UNKNOWN_USER = 54321
# All of 127.0.0.0/8 is this machine; who listens on 127.0.0.1 alone is not reached there.
OTHER_LOOPBACK = "127.0.0.2"
EXIT_BY_SIGTERM = 128 + signal.SIGTERM
OK = 200
SERVICE_LINK = "tcp://10.96.0.12:8000"

# Run as root, so that only a read-only file system can refuse it.
_WRITE_EVERYWHERE = """
import errno, os, sys
for folder in ("/", "/etc", "/opt/xcopa", "/opt/xcopa/cache", "/opt/venv", "/usr", "/var/tmp"):
    try:
        open(os.path.join(folder, "written"), "w").close()
    except OSError as error:
        if error.errno == errno.EROFS:
            continue
        sys.exit(f"{folder}: {error}")
    sys.exit(f"{folder} can be written")
open("/tmp/written", "w").close()
"""
_INTERFACES = "import socket; print(*(name for _, name in socket.if_nameindex()))"


@dataclass
class Checks:
    """The checks so far."""

    image: ImageConfig
    root: Path
    say: Callable[[str], None]
    found: list[Check] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def note(self, promise: str, kept: bool, seen: object) -> None:
        """Add a check."""
        self.found.append(Check(promise, kept, str(seen)))
        self.say(f"{'ok  ' if kept else 'FAIL'}  {promise}: {seen}")

    @contextlib.contextmanager
    def ready(self, name: str, options: RunOptions) -> Iterator[Container]:
        """Yield a container whose service is ready."""
        with running(name.replace(" ", "-"), self.image, self.root, options) as container:
            self.seconds[f"{name} ready after"] = container.wait_until_ready()
            yield container


def check_size(checks: Checks, layers: Sequence[Part]) -> None:
    """Check the size of all layers."""
    total = sum(layer.bytes for layer in layers)
    limit = f"at most {SIZE_LIMIT / 1e9:.1f} GB"
    checks.note(f"{limit}, models included", total <= SIZE_LIMIT, f"{total / 1e9:.2f} GB")


def check_traces(checks: Checks) -> None:
    """Check that what pip was told for the build is not in the image."""
    left = [path for path in ("etc/pip.conf", "etc/pip.cert") if (checks.root / path).exists()]
    checks.note("nothing is left of the build's secrets", not left, ", ".join(left) or "nothing")


def check_confined(checks: Checks) -> None:
    """Check the image as it is, without a network, with a read-only root."""
    with checks.ready("as built", RunOptions()) as container:
        _check_process(checks, container)
        _check_network(checks, container)
        _check_read_only(checks, container)
        _check_answers(checks, ask_inside(container, "/compare/xcopa", EXAMPLE))
        _check_health(checks, container)
        words = re.findall(r"(?i)traceback|.*warning.*", container.log)
        checks.note("nothing is wrong by its own log", not words, "; ".join(words) or "no warning")
        container.signal(checks.image.stop_signal)
        status = container.exit_status()
        checks.note("told to stop, it exits with 0", status == 0, f"exit status {status}")


def _check_process(checks: Checks, container: Container) -> None:
    status = Path(f"/proc/{container.pid}/status").read_text(encoding="utf-8")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    users, rights = set(fields["Uid"].split()), int(fields["CapEff"], 16)
    seen = f"uid {'/'.join(sorted(users))}, capabilities {rights:x}"
    checks.note(f"runs as user {USER}, without rights", users == {str(USER)} and not rights, seen)


def _check_network(checks: Checks, container: Container) -> None:
    names = container.execute(["python", "-I", "-c", _INTERFACES]).stdout.strip()
    checks.note("starts without a network", names == "lo", f"interfaces: {names}")


def _check_read_only(checks: Checks, container: Container) -> None:
    written = container.execute(["python", "-I", "-c", _WRITE_EVERYWHERE], "--user", "0:0")
    mounts = Path(f"/proc/{container.pid}/mountinfo").read_text(encoding="utf-8").splitlines()
    options = next(line.split()[5] for line in mounts if line.split()[4] == "/")
    kept = written.returncode == 0 and "ro" in options.split(",")
    seen = written.stderr.strip() or f"root is mounted {options}; /tmp is the one place to write"
    checks.note("runs on a read-only root", kept, seen)


def _check_answers(checks: Checks, reply: Reply) -> None:
    predictions = reply.content.get("predictions", {})
    labels = {name: each["label"] for name, each in predictions.items()}
    kept = reply.status == OK and labels == {"direct": 0, "stilts": 0}
    checks.note("both models answer the README's question", kept, json.dumps(labels))


def _check_health(checks: Checks, container: Container) -> None:
    def healthy(*options: str) -> bool:
        return container.execute(checks.image.health_check, *options).returncode == 0

    seen = {
        "as built": healthy(),
        "XCOPA_PORT of a Kubernetes Service": healthy("--env", f"XCOPA_PORT={SERVICE_LINK}"),
        "a port where nobody listens": healthy("--env", "XCOPA_PORT=9"),
    }
    text = ", ".join(f"{what}: {'healthy' if yes else 'unhealthy'}" for what, yes in seen.items())
    checks.note("its health check tells", list(seen.values()) == [True, True, False], text)


def check_other_user(checks: Checks) -> None:
    """Check it as a user whom the image does not know, in group 0, and stop it at work."""
    port = free_port()
    # A busy machine measures itself as slow; the long call is not to be refused for that.
    settings = {"XCOPA_PORT": str(port), "XCOPA_QUEUE_SECONDS": "120"}
    options = RunOptions(f"{UNKNOWN_USER}:0", settings, host_network=True)
    with checks.ready("unknown user", options) as container:
        status = Path(f"/proc/{container.pid}/status").read_text(encoding="utf-8")
        users = re.findall(r"Uid:\s+(\d+)", status)
        reply = ask(OTHER_LOOPBACK, port, "/predict/xcopa", EXAMPLE)
        kept = users == [str(UNKNOWN_USER)] and reply.status == OK
        seen = f"answers on {OTHER_LOOPBACK} with status {reply.status}"
        checks.note(f"runs as any user (--user {UNKNOWN_USER}), on all addresses", kept, seen)
        reply = stopped_while_busy(container, OTHER_LOOPBACK, port, checks.image.stop_signal)
        _check_drained(checks, reply, container.exit_status())


def _check_drained(checks: Checks, reply: Reply, exit_status: int) -> None:
    answered = len(reply.content.get("predictions", []))
    seen = f"{answered} items answered, exit status {exit_status}"
    kept = exit_status == 0 and answered == LONG_CALL
    checks.note("told to stop at work, it answers all and exits with 0", kept, seen)


def check_early_stop(checks: Checks) -> None:
    """Check that it can be stopped before its models are loaded.

    The first process of a container gets no signal that it has no handler for.
    """
    with running("stopped-early", checks.image, checks.root, RunOptions()) as container:
        seconds = container.wait_for_handler(getattr(signal, checks.image.stop_signal))
        loaded = "libtorch" in Path(f"/proc/{container.pid}/maps").read_text(encoding="utf-8")
        container.signal(checks.image.stop_signal)
        status = container.exit_status()
    seen = f"heeds it {seconds:.1f} s after the start, exit status {status}"
    # The command ends with 0, and what comes before its first line with the shell's status.
    kept = status in (0, EXIT_BY_SIGTERM) and not loaded
    checks.note("can be told to stop before it has loaded torch", kept, seen)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
