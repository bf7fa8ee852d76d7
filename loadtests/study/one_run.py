"""``python -m loadtests.study.one_run SIDE SECONDS WARM_UP``: one side, in a process of its own.

Prints its figures as a line of JSON. Nothing that one run leaves behind, such as the layout of its
memory, can help or harm the next.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from peft import PeftModel
from tokenizers import Tokenizer
from transformers import XLMRobertaForMultipleChoice

from app.engine.compute import Compute, set_up
from app.engine.encoder import PackedEncoder
from app.engine.engine import Row
from app.engine.kernels import choose_kernels
from app.engine.lanes import Lanes
from app.engine.tokenizer import PairTokenizer
from app.model_settings.sources import SHIPPED_MODELS
from app.process import quiet_transformers
from app.settings import Settings
from app.weights.checkpoint import Checkpoint, locate
from app.weights.loading import load_model, max_tokens
from app.weights.variant_config import VariantConfig
from loadtests.bench.closed_load import closed_load
from loadtests.bench.inputs import body, rows_of
from loadtests.bench.servers import SERVICE, started
from loadtests.items import ItemFields, load_items
from loadtests.peers.padded import SIZES, random_model
from loadtests.peers.padded_encoder import PaddedEncoder
from loadtests.study.noise import noted
from loadtests.study.side import Figures, Side

_ITEMS = 1024
_VOCABULARY = 250_002


class Runner(Protocol):
    """Whatever gives rows their logits."""

    def logits(self, rows: Sequence[Row]) -> list[float]: ...


def run(side: Side, seconds: float, warm_up: float) -> Figures:
    """Run a side for some seconds, after others that do not count.

    Args:
        side: what to run.
        seconds: how long; the call that is running then is finished.
        warm_up: seconds before that.
    """
    if side.how == "http":
        return _through_http(side, seconds, warm_up)
    tokenizer, runner = _prepared(side)
    rows = rows_of(tokenizer, _items(side.languages))
    starts = range(0, len(rows) - side.batch_items + 1, side.batch_items)
    batches = [list(itertools.chain(*rows[start : start + side.batch_items])) for start in starts]
    turns = itertools.cycle(batches)
    _timed_for(lambda: runner.logits(next(turns)), warm_up)
    with noted() as noise:
        began = time.process_time()
        taken, wall = _timed_for(lambda: runner.logits(next(turns)), seconds)
        cpu = time.process_time() - began
    items = len(taken) * side.batch_items
    return Figures(tuple(taken), items / wall, cpu / items, noise)


def _timed_for(work: Callable[[], object], seconds: float) -> tuple[list[float], float]:
    """Do some work again and again, at least once; return the seconds of each, and of all."""
    taken: list[float] = []
    began = now = time.perf_counter()
    while not taken or now < began + seconds:
        work()
        taken.append(time.perf_counter() - now)
        now = time.perf_counter()
    return taken, now - began


def _through_http(side: Side, seconds: float, warm_up: float) -> Figures:
    bodies = [body(item, side.model) for item in _items(side.languages)]
    with started(SERVICE, XCOPA_PRECISION=side.precision, XCOPA_CACHE_BYTES="0") as server:
        closed_load(server, bodies, side.batch_items, warm_up)
        with noted() as noise:
            cpu = server.cpu_seconds
            load = closed_load(server, bodies, side.batch_items, seconds)
            cpu = server.cpu_seconds - cpu
    return Figures(tuple(load.latencies), load.rate, cpu / len(load.latencies), noise)


def _items(languages: Sequence[str]) -> list[ItemFields]:
    """Return items of the languages in turns, the same ones every time."""
    data = os.environ.get("XCOPA_DATA_DIR")
    by_language = load_items(Path(data) if data else None)
    chosen = [by_language[language] for language in languages or sorted(by_language)]
    turns = [items[turn % len(items)] for turn in range(_ITEMS) for items in chosen]
    return turns[:_ITEMS]


def _prepared(side: Side) -> tuple[PairTokenizer, Runner]:
    """Return what makes rows of items, and what runs them."""
    quiet_transformers()
    settings = Settings()
    compute = set_up(settings.threads, precision=side.precision)
    variant = "stilts" if side.model in SIZES else side.model
    checkpoint = locate(str(SHIPPED_MODELS / variant), settings.cache_dir)
    model = _model(side, checkpoint)
    pieces = Tokenizer.from_file(str(checkpoint.tokenizer_file))
    prompt = side.prompt or VariantConfig.load(checkpoint.own).prompt
    tokenizer = PairTokenizer(pieces, prompt, max_tokens(model.config))
    return tokenizer, _runner(side, model, compute)


def _model(side: Side, checkpoint: Checkpoint) -> XLMRobertaForMultipleChoice:
    if side.model in SIZES:
        return random_model(SIZES[side.model], _VOCABULARY)
    if side.how != "transformers with its adapter apart":
        return load_model(checkpoint)
    base = XLMRobertaForMultipleChoice.from_pretrained(checkpoint.full)
    adapted = PeftModel.from_pretrained(base, str(checkpoint.own))
    model: XLMRobertaForMultipleChoice = adapted.base_model.model
    return model.eval()


def _runner(side: Side, model: XLMRobertaForMultipleChoice, compute: Compute) -> Runner:
    if side.how != "engine":
        return PaddedEncoder(model)
    kernels = choose_kernels(model.config, compute.target, compute.plan)
    engine = Lanes(PackedEncoder(model, compute.target, kernels), compute.plan)
    engine.warm_up()
    return engine


def main() -> None:
    """Run the side that the command line names."""
    side, seconds, warm_up = sys.argv[1:]
    print(run(Side.from_json(side), float(seconds), float(warm_up)).to_json())  # noqa: T201


if __name__ == "__main__":
    main()
