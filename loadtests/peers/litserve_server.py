"""LitServe with its dynamic batching: ``python -m loadtests.peers.litserve_server``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import litserve

from loadtests.peers.pairs import PeerItem
from loadtests.peers.scorer import Scorer
from loadtests.peers.setup import PeerSetup


class LitXcopa(litserve.LitAPI):
    """Answers a batch of items; LitServe makes the batch a list, and takes a list apart."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's signature
        """Load the model, in each worker."""
        self._scorer = Scorer.configured()

    def predict(self, items: Sequence[PeerItem]) -> list[dict[str, Any]]:
        """Return the answers of a batch."""
        return self._scorer.answers(items)


def main() -> None:
    """Serve on the port that ``UVICORN_PORT`` names."""
    setup = PeerSetup.read()
    api = LitXcopa(
        max_batch_size=setup.max_batch,
        batch_timeout=setup.wait_ms / 1000,
        api_path="/predict/xcopa",
    )
    server = litserve.LitServer(
        api,
        accelerator="cpu",
        workers_per_device=setup.workers,
        # As LitServe advises for a hundred requests a second and more.
        fast_queue=True,
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["UVICORN_PORT"]),
        log_level="warning",
        access_log=False,
        generate_client_file=False,
    )


if __name__ == "__main__":
    main()
