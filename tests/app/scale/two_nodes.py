"""A cluster of two nodes on this machine that serves, until standard input is closed.

    python -m tests.app.scale.two_nodes '{"port": 8000, "scale": {"replicas": 2}}'

Each node has one processor. The head has the only proxy, since both nodes have one address.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any

import ray
from ray import serve
from ray.cluster_utils import Cluster

from app.scale.application import NAME, application
from app.scale.http_options import http_options
from app.scale.options import ScaleOptions
from app.scale.proxy import NODE_VARIABLES
from app.settings import Settings

STORE_BYTES = 80 * 2**20
"""The least that Ray takes is 75 MiB; nothing here needs it."""


def main(wanted: dict[str, Any]) -> None:
    """Start, say so, wait, and end."""
    os.environ.update(NODE_VARIABLES)
    node = {"num_cpus": 1, "object_store_memory": STORE_BYTES}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        cluster.add_node(**node)
        ray.init(address=cluster.address, logging_level=logging.WARNING)
        settings = Settings(port=wanted["port"])
        # Both nodes have the environment of this process, and so have the replicas.
        made = application(settings, ScaleOptions.read(wanted["scale"]))
        serve.start(proxy_location="HeadOnly", http_options=http_options(settings))
        serve.run(made, name=NAME, route_prefix="/")
        sys.stdout.write("the cluster serves\n")
        sys.stdout.flush()
        sys.stdin.read()
        serve.delete(NAME)
    finally:
        ray.shutdown()
        cluster.shutdown()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
