"""The peers, each configured as its documentation recommends: docs/decisions/0046."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from loadtests.peers.encoders import ONNX, ONNX_INT8, OPENVINO, OPENVINO_INT8
from loadtests.peers.environments import INFINITY as INFINITY_ENVIRONMENT
from loadtests.peers.environments import MLSERVER as MLSERVER_ENVIRONMENT
from loadtests.peers.environments import PYTRITON as PYTRITON_ENVIRONMENT
from loadtests.peers.environments import RAY, RUNTIMES, SERVERS
from loadtests.peers.peer import Peer, batched, one_worker, splits
from loadtests.peers.sequence import FOLDER
from loadtests.peers.setup import PeerSetup
from loadtests.peers.wires import MODEL, ListWire, RerankWire, TensorWire, Wire

Arguments = Callable[[PeerSetup, Path], tuple[str, ...]]


def _module(*arguments: str) -> Arguments:
    # These servers read setup and checkpoint from the environment by themselves.
    return lambda setup, checkpoint: ("-m", *arguments)  # noqa: ARG005


def _uvicorn(setup: PeerSetup, checkpoint: Path) -> tuple[str, ...]:
    del checkpoint
    quiet = ("--log-level", "warning", "--no-access-log")
    application = "loadtests.peers.plain:create_plain_app"
    return ("-m", "uvicorn", "--factory", application, "--workers", str(setup.workers), *quiet)


def _infinity(setup: PeerSetup, checkpoint: Path) -> tuple[str, ...]:
    """Return the command of https://michaelfeil.eu/infinity/latest/cli_v2/."""
    model = ("--model-id", str(checkpoint / FOLDER), "--served-model-name", MODEL)
    runs = ("--engine", "torch", "--device", "cpu", "--dtype", "float32")
    batch = ("--batch-size", str(setup.max_batch), "--no-model-warmup")
    return ("-m", "infinity_emb.cli", "v2", *model, *runs, *batch)


def _list(checkpoint: Path) -> Wire:
    del checkpoint
    return ListWire()


def _tensors(checkpoint: Path) -> Wire:
    del checkpoint
    return TensorWire()


PLAIN = Peer("FastAPI", ("fastapi", "uvicorn"), SERVERS, _uvicorn, splits, "/docs")
LITSERVE = Peer(
    "LitServe",
    ("litserve",),
    SERVERS,
    _module("loadtests.peers.litserve_server"),
    batched,
    "/health",
    stop=signal.SIGINT,  # at SIGTERM it would leave its processes behind
)
MOSEC = Peer(
    "mosec",
    ("mosec",),
    SERVERS,
    _module("loadtests.peers.mosec_server"),
    batched,
    "/metrics",
    variables={"MOSEC_TIMEOUT": "60000", "MOSEC_LOG_LEVEL": "warning"},
)
BENTOML = Peer(
    "BentoML",
    ("bentoml",),
    SERVERS,
    _module("bentoml", "serve", "loadtests.peers.bentoml_server:BentoXcopa", "--quiet"),
    partial(batched, waits=False),
    "/readyz",
    wire=_list,
    variables={"BENTOML_DO_NOT_TRACK": "True"},
)
RAY_SERVE = Peer(
    "Ray Serve",
    ("ray",),
    RAY,
    _module("loadtests.peers.ray_server"),
    batched,
    "/predict/xcopa",  # its health page answers before there is a replica
    is_pausable=False,  # its processes watch each other, and end those that are silent
    variables={"RAY_USAGE_STATS_ENABLED": "0"},
)
MLSERVER = Peer(
    "MLServer",
    ("mlserver",),
    MLSERVER_ENVIRONMENT,
    _module("loadtests.peers.mlserver_server"),
    batched,
    f"/v2/models/{MODEL}/ready",
    wire=_tensors,
)
INFINITY = Peer(
    "infinity",
    ("infinity_emb", "transformers", "sentence-transformers"),
    INFINITY_ENVIRONMENT,
    _infinity,
    one_worker,
    "/health",
    wire=RerankWire.of,
    prepare=("-m", "loadtests.peers.sequence"),
    has_null=False,  # it makes its model by itself
    variables={"DO_NOT_TRACK": "1", "INFINITY_HOST": "127.0.0.1"},
)
PYTRITON = Peer(
    "Triton",
    ("nvidia-pytriton",),
    PYTRITON_ENVIRONMENT,
    _module("loadtests.peers.pytriton_server"),
    batched,
    f"/v2/models/{MODEL}/ready",
    wire=_tensors,
)


def _runtime(name: str, package: str, encoder: str, *, is_exact: bool) -> Peer:
    """Return the plain server with another runtime behind it."""
    return Peer(
        name,
        (package, "fastapi", "uvicorn"),
        RUNTIMES,
        _uvicorn,
        splits,
        "/docs",
        prepare=("-m", "loadtests.peers.convert", encoder),
        encoder=encoder,
        has_null=False,  # its framework is the plain server's
        is_exact=is_exact,
    )


ONNX_RUNTIME = _runtime("ONNX Runtime", "onnxruntime", ONNX, is_exact=True)
ONNX_RUNTIME_INT8 = _runtime("ONNX Runtime int8", "onnxruntime", ONNX_INT8, is_exact=False)
OPENVINO_FP32 = _runtime("OpenVINO", "openvino", OPENVINO, is_exact=True)
OPENVINO_QUANTIZED = _runtime("OpenVINO int8", "openvino", OPENVINO_INT8, is_exact=False)

PEERS: Sequence[Peer] = (PLAIN, LITSERVE, MOSEC, BENTOML)
"""Those of the benchmark ``peers``."""

ALL_PEERS: Sequence[Peer] = (
    *PEERS,
    *(RAY_SERVE, MLSERVER, INFINITY, PYTRITON),
    *(ONNX_RUNTIME, ONNX_RUNTIME_INT8, OPENVINO_FP32, OPENVINO_QUANTIZED),
)
"""Those of ``make peers``."""

WITHOUT_PACKAGE = {
    "Text Embeddings Inference": (
        "no package: its server is a program in Rust that is published as container images, and is"
        " built from its repository otherwise; the package index has only clients of it"
        " (https://huggingface.co/docs/text-embeddings-inference/local_cpu)"
    ),
}
"""Servers that cannot be installed from the package index, with the reason."""
