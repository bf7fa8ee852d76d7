"""mosec with its dynamic batching: ``python -m loadtests.peers.mosec_server``.

The port comes from ``MOSEC_PORT``, and other options from variables like it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mosec

from loadtests.peers.pairs import PeerItem
from loadtests.peers.scorer import Scorer
from loadtests.peers.setup import PeerSetup


class MosecXcopa(mosec.Worker):
    """Answers a batch of items."""

    def __init__(self) -> None:
        super().__init__()
        self._scorer = Scorer.configured()

    def forward(self, data: Sequence[PeerItem]) -> list[dict[str, Any]]:
        """Return the answers of a batch."""
        return self._scorer.answers(data)


def main() -> None:
    """Serve until a signal arrives."""
    setup = PeerSetup.read()
    server = mosec.Server()
    server.append_worker(
        MosecXcopa,
        num=setup.workers,
        max_batch_size=setup.max_batch,
        max_wait_time=setup.wait_ms,
        route="/predict/xcopa",
    )
    server.run()


if __name__ == "__main__":
    main()
