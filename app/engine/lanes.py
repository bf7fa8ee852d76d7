"""A CPU's cores side by side on one batch, each with rows of its own.

The usual way is to have all cores at work on every single product, with a meeting of the threads
after each: some two hundred in a forward pass of a few milliseconds. Whoever comes late, because
the core did something else, keeps all the others waiting. A lane is a core (or a few) that takes
some of the rows through all layers by itself, so the lanes meet once.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue

import torch
from torch import Tensor

from app.engine.encoder import PackedEncoder, Row

MOST_SINGLE_LANES = 7
"""Up to so many threads have a lane each. Lanes take turns at Python's lock between two operators,
so beyond that there are fewer lanes, of several threads."""


@dataclass(frozen=True)
class LanePlan:
    """How many lanes, and how many threads work together in each."""

    lanes: int
    threads_a_lane: int

    @classmethod
    def of(cls, threads: int) -> LanePlan:
        """Share out threads evenly, leaving as few out as can be."""
        if threads <= MOST_SINGLE_LANES:
            return cls(threads, 1)
        lanes = max((2, 3, 4), key=lambda count: (count * (threads // count), count))
        return cls(lanes, threads // lanes)


ONE_LANE = LanePlan(1, 1)


class Lanes:
    """An encoder that shares out the rows of each batch; its answers are the encoder's own."""

    def __init__(self, encoder: PackedEncoder, plan: LanePlan) -> None:
        self._encoder = encoder
        # The caller's thread is a lane too.
        self._others = [_Lane(encoder, plan.threads_a_lane) for _ in range(plan.lanes - 1)]

    def logits(self, rows: Sequence[Row]) -> list[float]:
        """Return one logit a row; see ``PackedEncoder.logits``."""
        first, *others = shares([len(row) for row in rows], 1 + len(self._others))
        running = [
            lane.start([rows[index] for index in share])
            for lane, share in zip(self._others, others, strict=False)
        ]
        done = [self._encoder.logits([rows[index] for index in first])]
        done += [each.result() for each in running]
        logits = [0.0] * len(rows)
        for share, own in zip((first, *others), done, strict=True):
            for index, logit in zip(share, own, strict=True):
                logits[index] = logit
        return logits

    @property
    def word_table(self) -> Tensor:
        """See ``PackedEncoder.word_table``."""
        return self._encoder.word_table

    def warm_up(self) -> None:
        """See ``PackedEncoder.warm_up``; what is compiled there serves every lane."""
        self._encoder.warm_up()


class _Lane:
    """A thread that runs rows. It does not keep the process from exiting if it is stuck."""

    def __init__(self, encoder: PackedEncoder, threads: int) -> None:
        self._encoder = encoder
        self._threads = threads
        self._work: SimpleQueue[tuple[Sequence[Row], Future[list[float]]]] = SimpleQueue()
        threading.Thread(target=self._run, name="xcopa-lane", daemon=True).start()

    def start(self, rows: Sequence[Row]) -> Future[list[float]]:
        done: Future[list[float]] = Future()
        self._work.put((rows, done))
        return done

    def _run(self) -> None:
        torch.set_num_threads(self._threads)
        while True:
            rows, done = self._work.get()
            try:
                done.set_result(self._encoder.logits(rows))
            except BaseException as error:
                done.set_exception(error)
            del rows, done


def shares(lengths: Sequence[int], lanes: int) -> list[list[int]]:
    """Share out rows, longest first, each to the lane with the fewest tokens so far.

    Returns:
        The indices of the rows of each lane; no lane without rows, but for the first.
    """
    filled: list[tuple[int, int]] = [(0, lane) for lane in range(lanes)]
    rows: list[list[int]] = [[] for _ in range(lanes)]
    for index in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        tokens, lane = filled[0]
        rows[lane].append(index)
        heapq.heapreplace(filled, (tokens + lengths[index], lane))
    return [share for lane, share in enumerate(rows) if share or lane == 0]
