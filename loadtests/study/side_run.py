"""One side of a comparison under load, slice by slice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from loadtests.bench.closed_load import counted_load
from loadtests.bench.inputs import body
from loadtests.bench.servers import BenchServer
from loadtests.items import ItemFields, load_items
from loadtests.study.server import study_server
from loadtests.study.side import Figures, Side
from loadtests.study.works import TimedWork, works_of

RunSlice = Callable[[int, int], Figures]
"""Runs the slice of that number: so many calls, through HTTP so many of each caller.

Slices of the same number and length have the same items on every side.
"""

_ITEMS = 1024
_STEP = 61
"""From where a slice begins to where the next one does, in batches or requests: prime, so that all
come to their turn."""


@contextmanager
def opened_side(side: Side, batch_tokens: int, data: Path | None) -> Iterator[RunSlice]:
    """Load what a side runs, or start its server, and yield what runs its slices.

    Args:
        side: what to run.
        batch_tokens: the token budget of a server; through HTTP alone.
        data: where the items are; those of the sample are run without it.

    Raises:
        StartError: its model cannot be loaded.
    """
    items = _items(side.languages, data)
    if side.how != "http":
        works = works_of(side, items)
        yield lambda number, calls: _engine_slice(works, side.batch_items, number, calls)
        return
    bodies = [body(item, side.model) for item in items]
    with study_server(side.precision, batch_tokens) as server:
        yield lambda number, calls: _http_slice(server, bodies, side.batch_items, number, calls)


def _engine_slice(works: Sequence[TimedWork], batch_items: int, number: int, calls: int) -> Figures:
    taken: list[float] = []
    first = number * _STEP
    began_cpu = time.process_time()
    began = now = time.perf_counter()
    for turn in range(first, first + calls):
        works[turn % len(works)]()
        before, now = now, time.perf_counter()
        taken.append(now - before)
    cpu = time.process_time() - began_cpu
    return Figures(tuple(taken), calls * batch_items, now - began, cpu)


def _http_slice(
    server: BenchServer, bodies: Sequence[bytes], callers: int, number: int, calls: int
) -> Figures:
    first = number * _STEP % len(bodies)
    cpu = server.cpu_seconds
    load = counted_load(server, [*bodies[first:], *bodies[:first]], callers, calls)
    cpu = server.cpu_seconds - cpu
    return Figures(tuple(load.latencies), len(load.latencies), load.seconds, cpu)


def _items(languages: Sequence[str], data: Path | None) -> list[ItemFields]:
    """Return items of the languages in turns, the same ones every time."""
    by_language = load_items(data)
    chosen = [by_language[language] for language in languages or sorted(by_language)]
    turns = [items[turn % len(items)] for turn in range(_ITEMS) for items in chosen]
    return turns[:_ITEMS]
