"""The fleet: its replicas, the proxy in front of them, and the Prometheus that watches all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.keys.keys_file import add_key
from loadtests.bench.servers import JSON
from loadtests.fleet.proxy import NAMES, FleetProxy, running_proxy
from loadtests.fleet.replica import FleetReplica
from loadtests.fleet.watch import FleetWatch, running_watch


@dataclass(frozen=True)
class ProxiedFleet:
    """What is shaken."""

    replicas: Sequence[FleetReplica]
    proxy: FleetProxy
    watch: FleetWatch


@dataclass(frozen=True)
class FleetKey:
    """The file of API keys that all replicas read, and the key of the load."""

    file: Path
    key: str

    @classmethod
    def drawn(cls, folder: Path) -> FleetKey:
        """Draw a key."""
        file = folder / "keys"
        return cls(file, add_key(file, "fleet"))

    @property
    def settings(self) -> dict[str, str]:
        return {"XCOPA_API_KEYS_FILE": str(self.file)}

    @property
    def headers(self) -> dict[str, str]:
        return {**JSON, "Authorization": f"Bearer {self.key}"}


@contextmanager
def running_replicas(each_settings: Sequence[Mapping[str, str]]) -> Iterator[list[FleetReplica]]:
    """Yield replicas that are ready, one for each of the settings; they end afterwards.

    Raises:
        FleetError: one does not become ready.
    """
    named = zip(NAMES, each_settings, strict=True)
    replicas = [FleetReplica(name, settings) for name, settings in named]
    with ExitStack() as stack:
        for each in replicas:
            each.start()
            stack.callback(each.kill)
        for each in replicas:
            each.wait_until_ready()
        yield replicas


@contextmanager
def running_fleet(key: FleetKey, folder: Path) -> Iterator[ProxiedFleet]:
    """Yield a fleet of which every part is up.

    Raises:
        FleetError: a part does not start.
    """
    with ExitStack() as stack:
        replicas = stack.enter_context(running_replicas([key.settings] * len(NAMES)))
        proxy = stack.enter_context(running_proxy(replicas, folder))
        ports = [each.metrics_port for each in replicas]
        watch = stack.enter_context(running_watch(ports, proxy.metrics_port, folder))
        yield ProxiedFleet(replicas, proxy, watch)
