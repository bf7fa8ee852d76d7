"""MLServer with a custom runtime and adaptive batching.

    python -m loadtests.peers.mlserver_server

https://docs.seldon.ai/mlserver/user-guide/custom for the runtime, and
https://docs.seldon.ai/mlserver/user-guide/adaptive-batching for the two settings of batches.
Workers are processes of MLServer's own. The port comes from ``MLSERVER_HTTP_PORT``.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

from loadtests.peers.scorer import Scorer
from loadtests.peers.setup import PeerSetup
from loadtests.peers.wires import MODEL


class XcopaRuntime(MLModel):
    """Answers batches of items, which arrive as a tensor for each field."""

    async def load(self) -> bool:
        """Load the model, in each worker."""
        self._scorer = Scorer.configured()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Return the answers of a batch."""
        columns = {each.name: StringCodec.decode_input(each) for each in payload.inputs}
        items = [
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]
        return InferenceResponse(
            model_name=self.name, outputs=_tensors(self._scorer.answers(items))
        )


def _tensors(answers: Sequence[dict[str, Any]]) -> list[Any]:
    columns = {
        "label": np.array([[each["label"]] for each in answers], dtype=np.int32),
        "probabilities": np.array([each["probabilities"] for each in answers], dtype=np.float32),
        "logits": np.array([each["logits"] for each in answers], dtype=np.float32),
    }
    return [NumpyCodec.encode_output(name, values) for name, values in columns.items()]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def serve(metrics: str) -> None:
    """Serve until a signal arrives; workers share their metrics in a folder."""
    setup = PeerSetup.read()
    settings = Settings(
        host="127.0.0.1",
        grpc_port=_free_port(),
        metrics_port=_free_port(),
        parallel_workers=setup.workers,
        metrics_dir=metrics,
        debug=False,
    )
    model = ModelSettings(
        name=MODEL,
        implementation=XcopaRuntime,
        max_batch_size=setup.max_batch,
        max_batch_time=setup.wait_ms / 1000,
    )
    await MLServer(settings).start([model])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(serve(folder))
