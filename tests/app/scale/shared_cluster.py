"""A cluster that is there before the service, with nodes as containers of Kubernetes run them."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from contextlib import ExitStack, suppress

import psutil

from app.scale.proxy import NODE_VARIABLES
from scripts.manifests.ray_policies import DRAIN
from tests.app.scale.cluster import MARK, START_LIMIT_S, free_port, marked
from tests.conftest import ROOT
from tests.e2e.server import ServerProcess

STORE_BYTES = 80 * 2**20


class Node(ServerProcess):
    """``ray start --block``."""

    module = "ray.scripts.scripts"

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.arguments = ("start", *arguments, "--block")
        super().__init__(**environment)


class Again(ServerProcess):
    """``tests.app.scale.again``; see there."""

    module = "tests.app.scale.again"
    arguments = ()


class SharedCluster:
    """A head without processors, which has the proxy, and workers with one each."""

    def __init__(self) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self.mark = uuid.uuid4().hex
        # Ray's sockets lie in it, and their paths must be short.
        self._folder = tempfile.mkdtemp(prefix="ray-")
        self._nodes = ExitStack()

    def start(self) -> None:
        """Start the head and one worker."""
        port = self.address.rpartition(":")[2]
        client = f"--ray-client-server-port={free_port()}"
        own = (f"--port={port}", client, f"--temp-dir={self._folder}", "--include-dashboard=false")
        for node in (self._node(0, "--head", "--num-cpus=0", *own), self.worker()):
            self._nodes.enter_context(node)

    def worker(self, drains_s: int = 0) -> Node:
        """Return another worker.

        Args:
            drains_s: how long it waits for Serve to move its replica, once it is told to stop.
        """
        return self._node(drains_s, f"--address={self.address}", "--num-cpus=1")

    @property
    def environment(self) -> dict[str, str]:
        """What has a command use this cluster."""
        return {"RAY_ADDRESS": self.address, **self._of_all}

    def end(self) -> None:
        """Kill all nodes, and what runs on them."""
        for each in marked(self.mark):
            with suppress(psutil.Error):
                each.kill()
        self._nodes.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _of_all(self) -> dict[str, str]:
        # Whoever runs the tests may have a token, for which Ray would ask some of them.
        return {MARK: self.mark, "PYTHONPATH": str(ROOT), "RAY_AUTH_MODE": "disabled"}

    def _node(self, drains_s: int, *arguments: str) -> Node:
        node = Node(
            *arguments,
            # Those that all nodes of one machine would have alike.
            f"--dashboard-agent-listen-port={free_port()}",
            f"--metrics-export-port={free_port()}",
            "--min-worker-port=0",
            "--max-worker-port=0",
            f"--object-store-memory={STORE_BYTES}",
            # Else the proxies of all nodes share the head's, and callers meet one that ends.
            RAY_SERVE_WORKER_PROXY_HTTP_PORT=str(free_port()),
            RAY_USAGE_STATS_ENABLED="0",
            **NODE_VARIABLES,
            **self._of_all,
            **{DRAIN: str(drains_s)},
        )
        node.wait_for_line("block forever", START_LIMIT_S)
        return node
