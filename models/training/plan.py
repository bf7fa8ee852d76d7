"""Which examples are in which batch: known from the seed before the first step.

A batch has examples of one task and of similar length, up to a number of tokens. The plan depends
on the seed alone. So a run that resumes after a kill uses the same batches, and any number of
processes can divide them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from models.training.example_tokenizer import Encoded

POOL_ITEMS = 640
"""Items are drawn at random by the pool, and grouped by length within it."""


@dataclass(frozen=True)
class PlannedBatch:
    """The places of some examples in the set of a task."""

    task: str
    items: tuple[int, ...]


@dataclass(frozen=True)
class Mix:
    """How sets are mixed, and how often they are gone through: by epochs, or by batches."""

    epochs: float | None
    batch_tokens: int
    size_cap: int | None = None
    """No set counts as larger: proportional sampling with a limit (Raffel et al. 2020,
    arXiv 1910.10683, section 3.5.2); each epoch draws others of a larger set's examples."""
    batches: int | None = None
    """So many, in as many epochs as they take."""


def plan(sets: Mapping[str, Sequence[Encoded]], mix: Mix, seed: int) -> list[PlannedBatch]:
    """Return a phase's batches, in order.

    Tasks are drawn in proportion to the size of their sets, as Phang et al. (2020) mix them:
    an epoch goes once through each, in one random order of all batches. What is planned for fewer
    epochs or batches is the beginning of what is planned for more.
    """
    epochs = _epochs(sets, mix, seed)
    if mix.batches is not None:
        return list(islice(chain.from_iterable(epochs), mix.batches))
    assert mix.epochs is not None
    batches: list[PlannedBatch] = []
    wanted = 0.0
    for epoch, this in enumerate(islice(epochs, math.ceil(mix.epochs))):
        batches += this
        wanted += min(1.0, mix.epochs - epoch) * len(this)
    return batches[: max(1, round(wanted))]


def _epochs(
    sets: Mapping[str, Sequence[Encoded]], mix: Mix, seed: int
) -> Iterator[list[PlannedBatch]]:
    generator = random.Random(seed)  # noqa: S311 - no secret
    sources = {
        task: _endless(len(items), random.Random(f"{seed}/{task}"))  # noqa: S311
        for task, items in sets.items()
    }
    while True:
        this = []
        for task, items in sets.items():
            count = min(len(items), mix.size_cap or len(items))
            drawn = [next(sources[task]) for _ in range(count)]
            this += [PlannedBatch(task, part) for part in _parts(drawn, items, mix.batch_tokens)]
        generator.shuffle(this)
        yield this


def interleave(
    batches: Sequence[PlannedBatch], others: Sequence[PlannedBatch], seed: int
) -> list[PlannedBatch]:
    """Put other batches among these, at random places; both keep their order."""
    places = random.Random(f"{seed}/interleave")  # noqa: S311
    taken = set(places.sample(range(len(batches) + len(others)), len(others)))
    first, second = iter(batches), iter(others)
    return [
        next(second) if place in taken else next(first)
        for place in range(len(batches) + len(others))
    ]


def by_length(items: Sequence[Encoded], batch_tokens: int) -> list[tuple[int, ...]]:
    """Part a set into batches for evaluation, in order of length."""
    return list(_cut(_sorted(range(len(items)), items), items, batch_tokens))


def _endless(count: int, generator: random.Random) -> Iterator[int]:
    """Yield the places of a set, each once a round, every round in another order."""
    while True:
        order = list(range(count))
        generator.shuffle(order)
        yield from order


def _parts(
    drawn: Sequence[int], items: Sequence[Encoded], batch_tokens: int
) -> Iterator[tuple[int, ...]]:
    for start in range(0, len(drawn), POOL_ITEMS):
        pool = _sorted(drawn[start : start + POOL_ITEMS], items)
        yield from _cut(pool, items, batch_tokens)


def _sorted(places: Sequence[int], items: Sequence[Encoded]) -> list[int]:
    return sorted(places, key=lambda place: items[place].longest)


def _cut(
    places: Sequence[int], items: Sequence[Encoded], batch_tokens: int
) -> Iterator[tuple[int, ...]]:
    """Cut a sequence into batches of at most so many tokens, and at least one item."""
    batch: list[int] = []
    tokens = 0
    for place in places:
        own = items[place].tokens
        if batch and tokens + own > batch_tokens:
            yield tuple(batch)
            batch, tokens = [], 0
        batch.append(place)
        tokens += own
    if batch:
        yield tuple(batch)
