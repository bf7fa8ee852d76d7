"""What a side without HTTP runs: a piece of work for each of its batches."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from transformers import XLMRobertaForMultipleChoice

from app.engine.compute import Compute, set_up
from app.engine.encoder import PackedEncoder
from app.engine.kernel_record import KernelRecord
from app.engine.kernels import choose_kernels
from app.engine.lanes import Lanes
from app.engine.tokenizer import PairTokenizer
from app.process import quiet_transformers
from app.settings import STILTS, Settings
from app.weights.checkpoint import Checkpoint
from app.weights.choosing import name_setup
from app.weights.loading import load_model
from loadtests.bench.inputs import rows_of
from loadtests.items import ItemFields
from loadtests.peers.padded import SIZES, random_model
from loadtests.study.cascade_runner import CascadeRunner, Runner
from loadtests.study.pair import checkpoint_of
from loadtests.study.side import Side
from loadtests.study.tokens import pair_tokenizer

_VOCABULARY = 250_002

T = TypeVar("T")

TimedWork = Callable[[], object]
"""Runs one batch."""


def works_of(side: Side, items: Sequence[ItemFields]) -> list[TimedWork]:
    """Load what a side runs, and return what runs each of its batches.

    Args:
        side: any but one through HTTP.
        items: of which those that fit the model are dealt out to whole batches.

    Raises:
        StartError: its model cannot be loaded.
    """
    quiet_transformers()
    settings = Settings()
    compute = set_up(settings.threads, precision=side.precision)
    tokenizer, runner = _prepared(side, side.model, settings, compute)
    rows = rows_of(tokenizer, items)
    if side.how != "cascade":
        batches = [list(itertools.chain(*batch)) for batch in _batches(rows, side.batch_items)]
        return [lambda batch=batch: runner.logits(batch) for batch in batches]  # type: ignore[misc]
    other, second = _prepared(side, side.second, settings, compute)
    temperature = checkpoint_of_side(side.model, settings).config.temperature
    cascade = CascadeRunner(runner, second, side.threshold, temperature)
    both = zip(rows, rows_of(other, items), strict=True)
    pairs = _batches(list(both), side.batch_items)
    return [lambda batch=batch: cascade.choices(batch) for batch in pairs]  # type: ignore[misc]


def checkpoint_of_side(model: str, settings: Settings) -> Checkpoint:
    """Find a model's files: a shape of random weights has the pieces of ``stilts``."""
    return checkpoint_of(STILTS if model in SIZES else model, settings)


def _batches(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Deal items out to whole batches; what is left over is not run."""
    return [items[start : start + size] for start in range(0, len(items) - size + 1, size)]


def _prepared(
    side: Side, model: str, settings: Settings, compute: Compute
) -> tuple[PairTokenizer, Runner]:
    """Return what makes rows of items, and what runs them."""
    checkpoint = checkpoint_of_side(model, settings)
    engine = _engine(_model(side, model, checkpoint), compute, settings.cache_dir)
    return pair_tokenizer(checkpoint, side.prompt), engine


def _model(side: Side, model: str, checkpoint: Checkpoint) -> XLMRobertaForMultipleChoice:
    if model in SIZES:
        return random_model(SIZES[model], _VOCABULARY)
    return load_model(checkpoint, apart=side.how == "engine with its adapter apart")


def _engine(model: XLMRobertaForMultipleChoice, compute: Compute, cache_dir: Path) -> Runner:
    # As in the service: what was measured of kernels once is kept, and all runs compute alike.
    record = KernelRecord(name_setup(compute.target, compute.plan), cache_dir)
    kernels = choose_kernels(model.config, compute.target, compute.plan, record=record)
    engine = Lanes(PackedEncoder(model, compute.target, kernels), compute.plan)
    engine.warm_up()
    return engine
