"""The thread that starts engines, notices that they have ended, and starts others."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import wait

from app.clock import Clock
from app.engine.processes.engine_process import EngineProcess
from app.engine.processes.messages import Ready
from app.engine.processes.templates import NoTemplateError, Templates
from app.engine.seats import EngineLostError

log = logging.getLogger(__name__)

QUICK_S = 1.0
"""An engine that ends sooner after it was ready, or before, has ended quickly ..."""
LEAST_PAUSE_S = 0.05
MOST_PAUSE_S = 2.0
"""... and for each time in a row that it did, its place waits twice as long for the next one."""

START_LIMIT_S = 120.0
"""A new engine that is not ready within this is ended."""

STARTS = 5
"""As many engines of a place may end, before it ever had one that was ready, until the service
gives up to start."""

_END_LIMIT_S = 5.0
_END_LOOK_S = 0.005
"""How long engines may take to end with the pool, and the pause between two looks at them."""

_REAP_S = 1.0
"""Between two looks at processes that end."""


@dataclass(eq=False)
class _Place:
    """One of the pool's engines, whichever process it is at the moment."""

    number: int
    engine: EngineProcess | None = None
    ready: bool = False
    since: float = 0.0
    """When the engine was forked, and later, when it was ready."""
    quick: int = 0
    """Engines in a row that ended quickly."""
    due: float = 0.0
    """When the next one may be started."""
    forks: int = 0
    proven: bool = False
    """Whether it ever had an engine that was ready."""

    @property
    def pause(self) -> float:
        if not self.quick:
            return 0.0
        return min(MOST_PAUSE_S, LEAST_PAUSE_S * 2.0 ** (self.quick - 1))


class Keeper:
    """Keeps as many engines running as the template says.

    Args:
        templates: what they are forked from.
        on_ready: called with an engine that can take batches, on the keeper's thread.
        on_lost: called with an engine that has ended, or that never got ready.
        on_restart: called with the number of a place whose engine is replaced.
        clock: returns seconds.
    """

    def __init__(
        self,
        templates: Templates,
        on_ready: Callable[[EngineProcess], None],
        on_lost: Callable[[EngineProcess], None],
        on_restart: Callable[[int], None],
        clock: Clock = time.monotonic,
    ) -> None:
        self._templates = templates
        self._places: list[_Place] = []
        self._on_ready = on_ready
        self._on_lost = on_lost
        self._on_restart = on_restart
        self._clock = clock
        self._awake, self._alarm = Pipe(duplex=False)
        self._stopping = False
        self._broken = False
        self._thread = threading.Thread(target=self._live, name="xcopa-keeper", daemon=True)
        self._loaded = threading.Event()
        self._answer: Ready | None = None
        self._failure: Exception | None = None

    def start(self) -> Ready:
        """Load, and return what the template says of it; as many engines follow as it says.

        Raises:
            StartError: it cannot be loaded.
        """
        self._thread.start()
        self._loaded.wait()
        if self._failure is not None:
            raise self._failure
        assert self._answer is not None
        return self._answer

    @property
    def gives_up(self) -> bool:
        """Whether engines end before they are ready, again and again, or cannot be started."""
        return self._broken or any(
            place.quick >= STARTS and not place.proven for place in self._places
        )

    def wake(self) -> None:
        """Have the engines be looked after now."""
        with contextlib.suppress(OSError):
            self._alarm.send_bytes(b"")

    def stop(self, timeout: float | None = None) -> None:
        """End all processes."""
        self._stopping = True
        self.wake()
        self._thread.join(timeout)

    # The thread --------------------------------------------------------------------------

    def _live(self) -> None:
        # The system kills the template when this thread ends, so nothing may end it early.
        try:
            self._answer = self._templates.start()
            self._places = [_Place(number) for number in range(self._answer.plan.engines)]
        except Exception as error:
            self._failure = error
        self._loaded.set()
        while not self._stopping:
            try:
                self._look_after()
            except Exception:
                log.exception("an error while engines are looked after; it goes on")
                time.sleep(LEAST_PAUSE_S)
        self._end()

    def _end(self) -> None:
        """End all processes, and keep nothing of them: others may follow in this process."""
        engines = [place.engine for place in self._places if place.engine is not None]
        for engine in engines:
            engine.hang_up()
            self._templates.orphans.add(engine.pid)
        self._templates.end()
        give_up = self._clock() + _END_LIMIT_S
        while not all(engine.ended for engine in engines) and self._clock() < give_up:
            time.sleep(_END_LOOK_S)
        self._templates.orphans.reap()
        self._places = []
        self._awake.close()
        self._alarm.close()

    def _look_after(self) -> None:
        if self._failure is None:
            for place in self._places:
                self._replace(place)
        self._wait()
        self._templates.look_after()
        for place in self._places:
            self._check(place)
        self._templates.orphans.reap()

    def _wait(self) -> None:
        now = self._clock()
        engines = [place.engine for place in self._places if place.engine is not None]
        starting = [p.engine for p in self._places if p.engine is not None and not p.ready]
        due = [p.due - now for p in self._places if p.engine is None and not self._broken]
        due += [START_LIMIT_S / 10] * bool(starting) + [_REAP_S] * bool(self._templates.orphans)
        sources = [each.life for each in engines] + [each.channel for each in starting]
        pause = max(0.0, min(due)) if due else None
        if self._awake in wait([self._awake, *self._templates.controls, *sources], pause):
            self._awake.recv_bytes()

    def _replace(self, place: _Place) -> None:
        if place.engine is not None or self._broken or self._clock() < place.due:
            return
        try:
            place.engine = self._templates.fork_engine(place.number)
        except NoTemplateError as error:
            self._broken = True
            log.critical("%s", error)
            return
        place.ready, place.since = False, self._clock()
        place.forks += 1
        if place.forks > 1:
            self._on_restart(place.number)

    def _check(self, place: _Place) -> None:
        engine = place.engine
        if engine is None:
            return
        try:
            if not place.ready:
                self._hear(place, engine)
            if engine.ended:
                raise EngineLostError("it ended")
        except (EngineLostError, OSError) as error:
            self._lose(place, engine, str(error))

    def _hear(self, place: _Place, engine: EngineProcess) -> None:
        if engine.channel.poll():
            engine.hear_ready()
            place.ready = place.proven = True
            place.since = self._clock()
            self._on_ready(engine)
        elif self._clock() - place.since > START_LIMIT_S:
            raise EngineLostError(f"it was not ready within {START_LIMIT_S:.0f} s")

    def _lose(self, place: _Place, engine: EngineProcess, why: str) -> None:
        lived = self._clock() - place.since
        place.quick = place.quick + 1 if not place.ready or lived < QUICK_S else 0
        place.engine, place.ready = None, False
        place.due = self._clock() + place.pause
        log.error(
            "engine %d (process %d) is lost after %.1f s: %s; the next one starts in %.2f s",
            engine.number,
            engine.pid,
            lived,
            why,
            place.pause,
        )
        self._on_lost(engine)
        engine.kill()
        self._templates.orphans.add(engine.pid)
