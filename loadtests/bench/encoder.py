"""The packed encoder beside transformers' padded forward pass, and beside a matrix product."""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from transformers import XLMRobertaForMultipleChoice

from app.engine.compute import set_up
from app.engine.encoder import PackedEncoder
from app.engine.lanes import Lanes
from app.engine.linear import make_linear
from app.engine.threads import LanePlan
from loadtests.bench.figures import Figure, seconds
from loadtests.bench.items import mixed_items, rows_of
from loadtests.padded import PaddedVariant
from loadtests.padded_process import SIDE, model_of

BATCH_ITEMS = 16
BATCHES = {"embedded": 40, "base": 12}
NAMES = {"embedded": "embedded model", "base": "XLM-R base shape"}
TARGETS = {"embedded": ">= 1.6", "base": ">= 1.5"}

Batch = list[tuple[int, ...]]


def measure(console: Console) -> list[Figure]:
    """Return the figures of the shipped shape and of XLM-R base, batches of 16 mixed items."""
    shipped = PaddedVariant.shipped("stilts")
    rows = rows_of(shipped.tokenizer, mixed_items(max(BATCHES.values()) * BATCH_ITEMS))
    grouped = [rows[start : start + BATCH_ITEMS] for start in range(0, len(rows), BATCH_ITEMS)]
    batches = [list(itertools.chain.from_iterable(group)) for group in grouped]
    return [
        figure
        for shape, count in BATCHES.items()
        for figure in _compare(shape, batches[:count], console)
    ]


def _compare(shape: str, batches: Sequence[Batch], console: Console) -> list[Figure]:
    plan = set_up().plan
    threads = plan.lanes * plan.threads_a_lane
    model = model_of(shape)
    packed = Lanes(PackedEncoder(model), plan)
    packed.warm_up()
    weights = _weights(model)
    onednn = _OneDnnRate(plan)
    ratios, of_torch, of_onednn, rates, apart = [], [], [], [], 0.0
    with _padded(shape) as padded:
        for batch in batches[:3]:
            packed.logits(batch), padded(batch)
        for batch in track(batches, description=NAMES[shape], console=console):
            theirs = padded(batch)
            ours = seconds(packed.logits, batch)
            useful = 2 * weights * sum(map(len, batch)) / ours
            rates.append((theirs["mm_rate"], onednn()))
            ratios.append(theirs["seconds"] / ours)
            of_torch.append(useful / rates[-1][0])
            of_onednn.append(useful / rates[-1][1])
            pairs = zip(packed.logits(batch), theirs["logits"], strict=True)
            apart = max(apart, *(abs(one - other) for one, other in pairs))
    tokens = sum(map(len, itertools.chain.from_iterable(batches))) / len(batches)
    mm_rate, onednn_rate = (
        round(statistics.median(side) / 1e9) for side in zip(*rates, strict=True)
    )
    name = NAMES[shape]
    return [
        Figure.of(
            f"{name}: packed over padded",
            ratios,
            TARGETS[shape],
            threads=threads,
            tokens_a_batch=round(tokens),
            logits_apart=apart,
        ),
        Figure.of(
            f"{name}: useful arithmetic over torch.mm's rate", of_torch, ">= 0.85", gflops=mm_rate
        ),
        Figure.of(
            f"{name}: useful arithmetic over oneDNN's rate, the best known here",
            of_onednn,
            "(stricter)",
            gflops=onednn_rate,
        ),
    ]


def _weights(model: XLMRobertaForMultipleChoice) -> int:
    """Count the encoder's weights; its biases and norms are no arithmetic to speak of."""
    return sum(
        parameter.numel() for parameter in model.roberta.encoder.parameters() if parameter.dim() > 1
    )


@contextmanager
def _padded(shape: str) -> Iterator[Callable[[Batch], dict[str, Any]]]:
    environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "loadtests.padded_process", shape],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    requests, answers = process.stdin, process.stdout

    def ask(batch: Batch) -> dict[str, Any]:
        requests.write(json.dumps(batch) + "\n")
        requests.flush()
        answer: dict[str, Any] = json.loads(answers.readline())
        return answer

    yield ask
    requests.close()
    process.wait()


class _OneDnnRate:
    """Operations a second of oneDNN's product of large matrices on all lanes at once."""

    def __init__(self, plan: LanePlan) -> None:
        self._product = Lanes(_Product(), plan)
        self._lanes = plan.lanes
        self()

    def __call__(self) -> float:
        took = seconds(self._product.logits, [(0,)] * self._lanes)
        return self._lanes * 2 * SIDE**3 / took


class _Product:
    """A stand-in whose forward pass is one large product."""

    def __init__(self) -> None:
        self._x = torch.randn(SIDE, SIDE)
        self._linear = make_linear(torch.randn(SIDE, SIDE), torch.zeros(SIDE))

    @torch.inference_mode()
    def logits(self, rows: Sequence[Sequence[int]]) -> list[float]:
        self._linear(self._x)
        return [0.0] * len(rows)

    def warm_up(self) -> None:
        """Nothing to warm: the rate runs once before it is measured."""
