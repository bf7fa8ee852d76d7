"""Compares a training step with one of transformers with PEFT, on the same batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from peft import get_peft_model
from rich.console import Console
from rich.progress import track
from torch import Tensor
from transformers import XLMRobertaForMultipleChoice

from app.engine.compute import set_up
from app.settings import Settings
from app.weights.adapter import quiet_peft
from app.weights.embedded import ensure_base
from loadtests.bench.inputs import mixed_items, rows_of
from loadtests.bench.results import RATIO, BenchResult
from loadtests.peers.padded import shipped_stilts
from loadtests.timing import seconds
from models.tasks.example import Head
from models.training.batch import make_inputs
from models.training.example_tokenizer import Encoded
from models.training.network import Network, low_rank
from models.training.recipe import LowRank, Recipe, load_recipe

RECIPE = Path("models/recipes/stilts.toml")
ITEMS = 32
BATCHES = 12
PADDING = 1

TrainingBatch = Sequence[Encoded]
TrainingStep = Callable[[TrainingBatch], None]


def measure(console: Console) -> list[BenchResult]:
    """Return the time of a step of 32 mixed items, and how the two sides compare."""
    settings = Settings()
    set_up(settings.threads, lanes=False)
    rows = rows_of(shipped_stilts().tokenizer, mixed_items(ITEMS * BATCHES))
    items = [Encoded(tuple(pair), (number % 2,)) for number, pair in enumerate(rows)]
    batches = [items[start : start + ITEMS] for start in range(0, len(items), ITEMS)]
    recipe = load_recipe(RECIPE)
    base = ensure_base(settings.cache_dir)
    sides = (_stream_step(base, recipe), _padded_step(base, recipe))
    for step in sides:
        step(batches[0])
    times = [
        (seconds(sides[0], batch), seconds(sides[1], batch))
        for batch in track(batches, "training steps", console=console)
    ]
    return compared(times, [sum(item.tokens for item in batch) for batch in batches])


def compared(times: Sequence[tuple[float, float]], tokens: Sequence[int]) -> list[BenchResult]:
    """Return both sides' steps, how they compare, and the throughput of ours.

    Args:
        times: seconds of a step in streams, and of one of transformers with PEFT, by batch.
        tokens: of each batch.
    """
    return [
        BenchResult.of("step in streams, adapters folded", "s", [ours for ours, _ in times]),
        BenchResult.of("step of transformers with PEFT", "s", [theirs for _, theirs in times]),
        BenchResult.of("times as fast", RATIO, [theirs / ours for ours, theirs in times], "> 1"),
        BenchResult.of(
            "tokens a second in streams",
            "tokens/s",
            [count / ours for count, (ours, _) in zip(tokens, times, strict=True)],
        ),
    ]


def _stream_step(base: Path, recipe: Recipe) -> TrainingStep:
    network = Network(base, recipe, {Head.MULTIPLE_CHOICE: 0})
    optimizer = torch.optim.AdamW(list(network.trained().values()), lr=1e-6, fused=True)

    def loss(batch: TrainingBatch) -> Tensor:
        answer = network(make_inputs(Head.MULTIPLE_CHOICE, batch, network.padding_id))
        assert isinstance(answer.loss, Tensor)
        return answer.loss

    return _stepping(optimizer, loss)


def _padded_step(base: Path, recipe: Recipe) -> TrainingStep:
    model = XLMRobertaForMultipleChoice.from_pretrained(
        base, dtype=torch.float32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    assert isinstance(recipe.tuning, LowRank)
    config = low_rank(recipe.tuning)
    config.modules_to_save = ["pooler", "classifier"]
    with quiet_peft():
        model = get_peft_model(model, config)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-6, fused=True)

    def loss(batch: TrainingBatch) -> Tensor:
        ids, labels = padded(batch)
        found = model(input_ids=ids, attention_mask=(ids != PADDING).long(), labels=labels).loss
        assert isinstance(found, Tensor)
        return found

    return _stepping(optimizer, loss)


def _stepping(
    optimizer: torch.optim.Optimizer, loss: Callable[[TrainingBatch], Tensor]
) -> TrainingStep:
    def step(batch: TrainingBatch) -> None:
        with torch.autocast("cpu", torch.bfloat16):
            found = loss(batch)
        torch.autograd.backward(found)
        optimizer.step()
        optimizer.zero_grad()

    return step


def padded(batch: TrainingBatch) -> tuple[Tensor, Tensor]:
    longest = max(item.longest for item in batch)
    rows = [[[*row, *[PADDING] * (longest - len(row))] for row in item.rows] for item in batch]
    return torch.tensor(rows), torch.tensor([item.target[0] for item in batch])
