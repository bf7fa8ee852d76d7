"""``python -m loadtests.study.one_run SIDE SECONDS WARM_UP BATCH_TOKENS``: one side, by itself.

Prints its figures as a line of JSON. It has a process of its own, so that nothing that one run
leaves behind, such as the layout of its memory, can help or harm the next.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from loadtests.bench.closed_load import closed_load
from loadtests.bench.inputs import body
from loadtests.items import ItemFields, load_items
from loadtests.study.noise import noted
from loadtests.study.server import study_server
from loadtests.study.side import Figures, Side
from loadtests.study.works import TimedWork, works_of

_ITEMS = 1024


def run(side: Side, seconds: float, warm_up: float, batch_tokens: int) -> Figures:
    """Run a side for some seconds, after others that do not count.

    Args:
        side: what to run.
        seconds: how long; the call that is running then is finished.
        warm_up: seconds before that.
        batch_tokens: the token budget of a server; through HTTP alone.
    """
    if side.how == "http":
        return _through_http(side, seconds, warm_up, batch_tokens)
    turns = itertools.cycle(works_of(side, _items(side.languages)))
    _timed_for(turns, warm_up)
    with noted() as noise:
        began = time.process_time()
        taken, wall = _timed_for(turns, seconds)
        cpu = time.process_time() - began
    items = len(taken) * side.batch_items
    return Figures(tuple(taken), items / wall, cpu / items, noise)


def _timed_for(works: Iterator[TimedWork], seconds: float) -> tuple[list[float], float]:
    """Do piece after piece, at least one; return the seconds of each, and of all."""
    taken: list[float] = []
    began = now = time.perf_counter()
    while not taken or now < began + seconds:
        next(works)()
        taken.append(time.perf_counter() - now)
        now = time.perf_counter()
    return taken, now - began


def _through_http(side: Side, seconds: float, warm_up: float, batch_tokens: int) -> Figures:
    bodies = [body(item, side.model) for item in _items(side.languages)]
    with study_server(side.precision, batch_tokens) as server:
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


def main() -> None:
    """Run the side that the command line names."""
    side, seconds, warm_up, batch_tokens = sys.argv[1:]
    figures = run(Side.from_json(side), float(seconds), float(warm_up), int(batch_tokens))
    print(figures.to_json())  # noqa: T201 - whoever started it reads them


if __name__ == "__main__":
    main()
