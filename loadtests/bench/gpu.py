"""What the service does on a GPU: whether its answers hold, and how much of the card it uses.

Without a CUDA device nothing is measured, and that is said.
"""

from __future__ import annotations

import copy
import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from rich.console import Console
from rich.progress import track
from transformers import XLMRobertaForMultipleChoice

from app.engine.encoder import PackedEncoder
from app.engine.target import Precision, Target
from app.engine.tokenizer import Rows
from loadtests.bench.closed_load import closed_load
from loadtests.bench.encoder import encoder_weights
from loadtests.bench.inputs import batch_body, mixed_bodies, mixed_items, rows_of
from loadtests.bench.results import RATIO, BenchResult, milliseconds
from loadtests.bench.servers import SERVICE, BenchServer, started
from loadtests.peers.padded import model_of, shipped_stilts
from loadtests.timing import seconds

PARITY_ITEMS = 1000
BATCH_ITEMS, BATCHES, LONE_ITEMS, WARM_UP = 256, 20, 100, 3
SIDE = 8192
"""Of the square matrices whose product says what the card can do."""

SHAPES = {"embedded": "embedded model", "base": "XLM-R base shape", "large": "XLM-R large shape"}
"""What ``model_of`` takes, and what tables call it."""

CALLERS, ITEMS_A_CALL, BATCH_CALLERS, WARM_UP_S, LOAD_S = 128, 64, 16, 5, 15


def measure(console: Console) -> list[BenchResult]:
    """Return parity, arithmetic, latency, and items a second in process and through HTTP."""
    if not torch.cuda.is_available():
        console.print("torch finds no CUDA device: nothing was measured")
        return []
    device = torch.device("cuda")
    console.print(f"on {torch.cuda.get_device_name()}")
    items = rows_of(shipped_stilts().tokenizer, mixed_items(max(PARITY_ITEMS, 10 * BATCH_ITEMS)))
    results = parity(model_of("embedded"), items[:PARITY_ITEMS], device)
    for shape, title in SHAPES.items():
        results += on_device(title, model_of(shape), items, device, console)
    return results + through_http()


# Do the answers hold? -----------------------------------------------------------------------


def parity(
    model: XLMRobertaForMultipleChoice, items: Sequence[Rows], device: torch.device
) -> list[BenchResult]:
    """Return how far the device's answers are from those of the CPU in fp32.

    Args:
        model: on the CPU.
        items: the rows of each.
        device: whose answers are compared.
    """
    exact = _by_item(PackedEncoder(model), items)
    fp32, bf16 = (
        _by_item(engine_on(model, device, precision), items)
        for precision in (Precision.FP32, Precision.BF16)
    )
    pairs = zip(itertools.chain(*exact), itertools.chain(*fp32), strict=True)
    apart = max(abs(one - other) for one, other in pairs)
    labels = zip(fp32, bf16, strict=True)
    equal = statistics.mean(_label(one) == _label(other) for one, other in labels)
    return [
        BenchResult.of("logits in fp32, apart from the CPU's", "logit", [apart], "<= 1e-4"),
        BenchResult.of(
            "labels in bf16 that are those in fp32", RATIO, [equal], ">= 0.99", items=len(items)
        ),
    ]


def engine_on(
    model: XLMRobertaForMultipleChoice, device: torch.device, precision: Precision
) -> PackedEncoder:
    """Return an engine on a device; the model stays where it is."""
    return PackedEncoder(copy.deepcopy(model).to(device), Target(device, precision))


def _by_item(engine: PackedEncoder, items: Sequence[Rows]) -> list[list[float]]:
    logits = iter(engine.logits([row for rows in items for row in rows]))
    return [list(itertools.islice(logits, len(rows))) for rows in items]


def _label(logits: Sequence[float]) -> int:
    return max(range(len(logits)), key=logits.__getitem__)


# How fast is it? ----------------------------------------------------------------------------


def on_device(
    title: str,
    model: XLMRobertaForMultipleChoice,
    items: Sequence[Rows],
    device: torch.device,
    console: Console,
) -> list[BenchResult]:
    """Return items a second of full batches, the share of the card's rate, and a lone item's time.

    All in bf16. Useful arithmetic is two operations a weight of the encoder and real token.
    """
    engine = engine_on(model, device, Precision.BF16)
    groups = itertools.cycle(
        [items[at : at + BATCH_ITEMS] for at in range(0, len(items), BATCH_ITEMS)]
    )
    for group in itertools.islice(groups, WARM_UP):
        engine.logits(_rows(group))
    runs = [
        _Run.of(engine, _rows(group), len(group), device)
        for group in track(
            list(itertools.islice(groups, BATCHES)), description=title, console=console
        )
    ]
    weights = encoder_weights(model)
    lone = [seconds(engine.logits, rows) for rows in items[: WARM_UP + LONE_ITEMS]][WARM_UP:]
    return [
        BenchResult.of(
            f"{title}: items a second in process",
            "1/s",
            [run.items / run.took for run in runs],
            items_a_batch=BATCH_ITEMS,
            tokens_a_batch=round(statistics.mean(run.tokens for run in runs)),
        ),
        BenchResult.of(
            f"{title}: useful arithmetic over a large product's in bf16",
            RATIO,
            [2 * weights * run.tokens / run.took / run.rate for run in runs],
            tflops=round(statistics.median(run.rate for run in runs) / 1e12, 1),
        ),
        BenchResult.of(f"{title}: a lone item", "ms", [milliseconds(each, 3) for each in lone]),
    ]


@dataclass(frozen=True)
class _Run:
    """One batch, and what the card could do right after it."""

    items: int
    tokens: int
    took: float
    rate: float
    """Operations a second of a product of large matrices."""

    @classmethod
    def of(
        cls, engine: PackedEncoder, rows: Sequence[Sequence[int]], items: int, device: torch.device
    ) -> _Run:
        took = seconds(engine.logits, rows)  # its end waits for the device
        return cls(items, sum(map(len, rows)), took, matmul_rate(device))


def _rows(items: Sequence[Rows]) -> list[Sequence[int]]:
    return [row for rows in items for row in rows]


def matmul_rate(device: torch.device, side: int | None = None) -> float:
    """Return the operations a second of a product of square matrices in bf16."""
    side = side or SIDE
    x = torch.randn(side, side, device=device, dtype=torch.bfloat16)
    _wait(device, x @ x)
    return 2 * side**3 / seconds(lambda: _wait(device, x @ x))


def _wait(device: torch.device, result: torch.Tensor) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    assert result.shape


# Through HTTP -------------------------------------------------------------------------------


def through_http() -> list[BenchResult]:
    """Return items a second of the whole service, one and many items a call, and its front's load.

    Where the front takes a whole core, the front is the limit and not the card.
    """
    items = mixed_items(ITEMS_A_CALL * BATCH_CALLERS)
    calls = [batch_body(items[at : at + ITEMS_A_CALL]) for at in range(0, len(items), ITEMS_A_CALL)]
    with started(SERVICE, XCOPA_DEVICE="cuda", XCOPA_MAX_BATCH_ITEMS=str(ITEMS_A_CALL)) as server:
        return [
            _load(server, "one item a call", mixed_bodies(), CALLERS, 1, "/predict/xcopa"),
            _load(
                server,
                f"{ITEMS_A_CALL} items a call",
                calls,
                BATCH_CALLERS,
                ITEMS_A_CALL,
                "/predict/xcopa/batch",
            ),
        ]


def _load(
    server: BenchServer, title: str, bodies: Sequence[bytes], callers: int, each: int, path: str
) -> BenchResult:
    closed_load(server, bodies, callers, WARM_UP_S, path)
    before = server.front_cpu_seconds
    load = closed_load(server, bodies, callers, LOAD_S, path)
    front = (server.front_cpu_seconds - before) / load.seconds
    return BenchResult.of(
        f"embedded model through HTTP, {title}: items a second",
        "1/s",
        [each * load.rate],
        callers=callers,
        median_ms=milliseconds(load.median),
        cores_of_the_front=round(front, 2),
    )
