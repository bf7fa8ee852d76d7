"""Compares the packed encoder with transformers' padded pass and with a matrix product."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.progress import track
from transformers import XLMRobertaForMultipleChoice

from app.engine.compute import set_up
from app.engine.encoder import PackedEncoder
from app.engine.engine import Engine
from app.engine.kernels import choose_kernels
from app.engine.lanes import Lanes
from app.engine.target import EXACT
from app.settings import Settings
from loadtests.bench.inputs import mixed_items, rows_of
from loadtests.bench.matmul import BestMatmulRate
from loadtests.bench.results import RATIO, BenchResult
from loadtests.peers.padded import model_of, shipped_stilts
from loadtests.peers.padded_process import PaddedAnswer, RowBatch, padded_process
from loadtests.timing import timed

BATCH_ITEMS = 16
WARM_UP_BATCHES = 3


@dataclass(frozen=True)
class ModelShape:
    """A shape that is measured, and over how many batches."""

    shape: str
    """What ``model_of`` takes."""
    title: str
    batches: int
    target: str


SHAPES = (
    ModelShape("embedded", "embedded model", 40, ">= 1.6"),
    ModelShape("base", "XLM-R base shape", 12, ">= 1.5"),
)


@dataclass(frozen=True)
class BatchRun:
    """One batch on both sides, and what the machine could do right then."""

    tokens: int
    ours: float
    """Seconds of the packed pass."""
    theirs: PaddedAnswer
    best_rate: float
    """Operations a second of the fastest library's matrix product."""
    apart: float
    """The largest difference between two logits."""


def measure(console: Console) -> list[BenchResult]:
    """Return the results of the shipped shape and of XLM-R base, batches of 16 mixed items."""
    tokenizer = shipped_stilts().tokenizer
    rows = rows_of(tokenizer, mixed_items(BATCH_ITEMS * max(shape.batches for shape in SHAPES)))
    grouped = [rows[start : start + BATCH_ITEMS] for start in range(0, len(rows), BATCH_ITEMS)]
    batches = [list(itertools.chain.from_iterable(group)) for group in grouped]
    return [
        result for shape in SHAPES for result in _compare(shape, batches[: shape.batches], console)
    ]


def _compare(shape: ModelShape, batches: Sequence[RowBatch], console: Console) -> list[BenchResult]:
    plan = set_up(Settings().threads).plan
    model = model_of(shape.shape)
    kernels = choose_kernels(model.config, EXACT, plan)
    packed = Lanes(PackedEncoder(model, EXACT, kernels), plan)
    packed.warm_up()
    best = BestMatmulRate(plan)
    with padded_process(shape.shape) as padded:
        for batch in batches[:WARM_UP_BATCHES]:
            packed.logits(batch), padded(batch)
        runs = [
            _run(batch, packed, padded, best)
            for batch in track(batches, description=shape.title, console=console)
        ]
    return [
        over_padded(shape, runs, plan.lanes * plan.threads_a_lane),
        *arithmetic(shape, runs, encoder_weights(model)),
    ]


def _run(
    batch: RowBatch,
    packed: Engine,
    padded: Callable[[RowBatch], PaddedAnswer],
    best: BestMatmulRate,
) -> BatchRun:
    theirs = padded(batch)
    ours, logits = timed(packed.logits, batch)
    pairs = zip(logits, theirs.logits, strict=True)
    apart = max(abs(one - other) for one, other in pairs)
    return BatchRun(sum(map(len, batch)), ours, theirs, best()[0], apart)


def over_padded(shape: ModelShape, runs: Sequence[BatchRun], threads: int) -> BenchResult:
    """Return how many times as fast as the padded pass the packed one is."""
    return BenchResult.of(
        f"{shape.title}: packed over padded",
        RATIO,
        [run.theirs.seconds / run.ours for run in runs],
        shape.target,
        threads=threads,
        tokens_a_batch=round(statistics.mean(run.tokens for run in runs)),
        logits_apart=max(run.apart for run in runs),
    )


def arithmetic(shape: ModelShape, runs: Sequence[BatchRun], weights: int) -> list[BenchResult]:
    """Return the useful operations a second over those of matrix products.

    Useful are two operations for each weight and real token, also of the last layer.
    """
    useful = [2 * weights * run.tokens / run.ours for run in runs]

    def over(library: str, rates: Sequence[float], target: str) -> BenchResult:
        return BenchResult.of(
            f"{shape.title}: useful arithmetic over {library}",
            RATIO,
            [done / rate for done, rate in zip(useful, rates, strict=True)],
            target,
            gflops=round(statistics.median(rates) / 1e9),
        )

    return [
        over("torch.mm's rate", [run.theirs.mm_rate for run in runs], ">= 0.85"),
        over("the best rate known here", [run.best_rate for run in runs], "(stricter)"),
    ]


def encoder_weights(model: XLMRobertaForMultipleChoice) -> int:
    """Count the encoder's weights; its biases and norms are no arithmetic to speak of."""
    return sum(
        parameter.numel() for parameter in model.roberta.encoder.parameters() if parameter.dim() > 1
    )
