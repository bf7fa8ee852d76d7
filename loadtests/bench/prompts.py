"""What the words of the prompt cost: tokens an item, and predictions a second of the engine."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.progress import track
from tokenizers import Tokenizer

from app.engine.compute import set_up
from app.engine.encoder import PackedEncoder
from app.engine.engine import Engine, Row
from app.engine.kernels import choose_kernels
from app.engine.lanes import Lanes
from app.engine.prompt import Prompt
from app.engine.target import EXACT
from app.engine.tokenizer import PairTokenizer
from app.model_settings.sources import SHIPPED_MODELS
from app.settings import STILTS, Settings
from app.weights.checkpoint import locate
from loadtests.bench.inputs import mixed_items, rows_of
from loadtests.bench.results import RATIO, BenchResult
from loadtests.peers.padded import model_of
from loadtests.timing import timed

BATCHES = 40
BATCH_ITEMS = 16
WARM_UP_BATCHES = 3
MOST_TOKENS = 512

FULL = "the full question"
PROMPTS: Mapping[str, Prompt] = {
    FULL: Prompt(),
    "one word": Prompt("because", "so"),
    "one piece": Prompt("←", "→"),
    "no words, cause first": Prompt("", "", "cause-first"),
}


def measure(console: Console) -> list[BenchResult]:
    """Return tokens, speed, and speed over that of the full question, for each prompt."""
    plan = set_up(Settings().threads).plan
    model = model_of("embedded")
    engine = Lanes(PackedEncoder(model, EXACT, choose_kernels(model.config, EXACT, plan)), plan)
    engine.warm_up()
    batches = {name: _batches(prompt) for name, prompt in PROMPTS.items()}
    for own in batches.values():
        for batch in own[:WARM_UP_BATCHES]:
            engine.logits(batch)
    turns = [
        _turn(engine, batches, number)
        for number in track(range(BATCHES), description="prompts", console=console)
    ]
    return list(itertools.chain(*(_results(name, batches, turns) for name in PROMPTS)))


def _batches(prompt: Prompt) -> list[list[Row]]:
    """Return the rows of the same items, as one prompt asks about them."""
    checkpoint = locate(str(SHIPPED_MODELS / STILTS), Settings().cache_dir)
    pieces = Tokenizer.from_file(str(checkpoint.tokenizer_file))
    rows = rows_of(PairTokenizer(pieces, prompt, MOST_TOKENS), mixed_items(BATCHES * BATCH_ITEMS))
    starts = range(0, len(rows), BATCH_ITEMS)
    return [list(itertools.chain(*rows[start : start + BATCH_ITEMS])) for start in starts]


def _turn(engine: Engine, batches: Mapping[str, list[list[Row]]], number: int) -> dict[str, float]:
    """Run one batch of each prompt; return the seconds of each."""
    order = sorted(batches, reverse=number % 2 == 0)
    return {name: timed(engine.logits, batches[name][number])[0] for name in order}


def _results(
    name: str,
    batches: Mapping[str, list[list[Row]]],
    turns: Sequence[Mapping[str, float]],
) -> list[BenchResult]:
    tokens = [sum(map(len, batch)) / BATCH_ITEMS for batch in batches[name]]
    speeds = [BATCH_ITEMS / turn[name] for turn in turns]
    return [
        BenchResult.of(f"{name}: tokens an item", "tokens", [statistics.mean(tokens)]),
        BenchResult.of(f"{name}: predictions a second", "predictions/s", speeds),
        BenchResult.of(
            f"{name}: times as fast as {FULL}", RATIO, [turn[FULL] / turn[name] for turn in turns]
        ),
    ]
