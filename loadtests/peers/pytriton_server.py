"""Triton Inference Server with its dynamic batcher, by PyTriton.

    python -m loadtests.peers.pytriton_server

https://triton-inference-server.github.io/pytriton/latest/binding_configuration for the batcher.
Each worker is an instance of the model in the sense of Triton: PyTriton runs them in threads of one
process, so they share the weights. The port comes from ``PEER_PORT``.
"""

from __future__ import annotations

import os
import socket
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

from loadtests.peers.pairs import FIELDS
from loadtests.peers.scorer import Scorer
from loadtests.peers.setup import PeerSetup
from loadtests.peers.wires import MODEL

Column = NDArray[np.bytes_]

OUTPUTS = [
    Tensor(name="label", dtype=np.int32, shape=(1,)),
    Tensor(name="probabilities", dtype=np.float32, shape=(2,)),
    Tensor(name="logits", dtype=np.float32, shape=(2,)),
]


def answering(scorer: Scorer) -> Any:
    """Return the function that Triton calls with a batch: a column of texts for each field."""

    @batch
    def infer(**columns: Column) -> dict[str, NDArray[Any]]:
        texts = {name: [cell.decode() for cell in column[:, 0]] for name, column in columns.items()}
        items = [
            dict(zip(texts, values, strict=True)) for values in zip(*texts.values(), strict=True)
        ]
        answers = scorer.answers(items)
        return {
            "label": np.array([[each["label"]] for each in answers], dtype=np.int32),
            "probabilities": np.array(
                [each["probabilities"] for each in answers], dtype=np.float32
            ),
            "logits": np.array([each["logits"] for each in answers], dtype=np.float32),
        }

    return infer


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def main() -> None:
    """Serve until a signal arrives."""
    setup, scorer = PeerSetup.read(), Scorer.configured()
    config = TritonConfig(
        http_address="127.0.0.1",
        http_port=int(os.environ["PEER_PORT"]),
        grpc_port=_free_port(),
        metrics_port=_free_port(),
    )
    batcher = DynamicBatcher(max_queue_delay_microseconds=1000 * setup.wait_ms)
    with Triton(config=config) as triton:
        triton.bind(
            model_name=MODEL,
            infer_func=[answering(scorer) for _ in range(setup.workers)],
            inputs=[Tensor(name=name, dtype=bytes, shape=(1,)) for name in FIELDS],
            outputs=OUTPUTS,
            config=ModelConfig(max_batch_size=setup.max_batch, batcher=batcher),
            strict=True,
        )
        triton.serve()


if __name__ == "__main__":
    main()
