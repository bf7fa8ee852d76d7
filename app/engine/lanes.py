"""The cores of a CPU work on one batch in parallel, each on rows of its own.

By default all cores compute every product together and wait for each other after it, about two
hundred times in a forward pass of a few milliseconds. If one core is late, because it did something
else, all others wait. A lane is a core (or a few) that computes all layers for some of the rows, so
the lanes wait for each other only once.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from queue import SimpleQueue

from app.engine.engine import Engine, Row
from app.engine.threads import LanePlan
from app.process import use_threads


class Lanes:
    """An encoder that shares out the rows of each batch; its answers are the encoder's own."""

    def __init__(self, encoder: Engine, plan: LanePlan) -> None:
        self._encoder = encoder
        # The caller's thread is a lane too.
        self._others = [_Lane(encoder, plan.threads_a_lane) for _ in range(plan.lanes - 1)]

    def logits(self, rows: Sequence[Row]) -> list[float]:
        """Return one logit for each row; see ``Engine.logits``."""
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

    def warm_up(self) -> None:
        """See ``Engine.warm_up``; what is compiled there serves every lane."""
        self._encoder.warm_up()


class _Lane:
    """A thread that runs rows. It does not keep the process from exiting if it is stuck."""

    def __init__(self, encoder: Engine, threads: int) -> None:
        self._encoder = encoder
        self._threads = threads
        self._work: SimpleQueue[tuple[Sequence[Row], Future[Sequence[float]]]] = SimpleQueue()
        threading.Thread(target=self._run, name="xcopa-lane", daemon=True).start()

    def start(self, rows: Sequence[Row]) -> Future[Sequence[float]]:
        done: Future[Sequence[float]] = Future()
        self._work.put((rows, done))
        return done

    def _run(self) -> None:
        use_threads(self._threads)
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
