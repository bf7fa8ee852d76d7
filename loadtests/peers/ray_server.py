"""Ray Serve with ``@serve.batch``: ``python -m loadtests.peers.ray_server``.

https://docs.ray.io/en/latest/serve/advanced-guides/dyn-req-batch.html for the batches; a replica
may hold twice the requests of a batch, so that the next one fills while one runs. The forward pass
runs in a thread, which leaves the event loop of the replica free:
https://docs.ray.io/en/latest/serve/advanced-guides/asyncio-best-practices.html
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from typing import Any

import ray
from ray import serve
from starlette.requests import Request

from loadtests.peers.pairs import PeerItem
from loadtests.peers.scorer import Scorer
from loadtests.peers.setup import PeerSetup

SETUP = PeerSetup.read()
ROUTE = "/predict/xcopa"


@serve.deployment(
    num_replicas=SETUP.workers,
    max_ongoing_requests=2 * SETUP.max_batch,
    ray_actor_options={"num_cpus": SETUP.threads},
)
class RayXcopa:
    """Answers batches of items."""

    def __init__(self) -> None:
        self._scorer = Scorer.configured()

    @serve.batch(max_batch_size=SETUP.max_batch, batch_wait_timeout_s=SETUP.wait_ms / 1000)
    async def answers(self, items: Sequence[PeerItem]) -> list[dict[str, Any]]:
        """Return the answers of a batch."""
        return await asyncio.to_thread(self._scorer.answers, items)

    async def __call__(self, request: Request) -> Any:
        """Answer a request, and the probe: the proxy of Ray is healthy before its replicas are."""
        if request.method == "GET":
            return {}
        return await self.answers(await request.json())


def main() -> None:
    """Serve on the port that ``PEER_PORT`` names, until SIGTERM arrives."""
    # Before Ray starts threads, so that none of them takes the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    ray.init(
        num_cpus=SETUP.workers * SETUP.threads,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="warning",
    )
    serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["PEER_PORT"])})
    quiet = {"enable_access_log": False, "log_level": "WARNING"}
    application: Any = RayXcopa  # the decorator has made a deployment of the class
    serve.run(application.bind(), route_prefix=ROUTE, logging_config=quiet)
    signal.sigwait([signal.SIGTERM])
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main()
