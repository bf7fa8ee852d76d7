"""An incident in ten minutes: overload, then an engine that is stuck, then recovery.

    make incident                    # writes docs/figures/dashboards/

The service is real and its engine is told what to do; a real Prometheus watches it. Afterwards the
alerts must have fired in their order, and the pictures of the dashboards show what happened.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path

from app.api.predict import COMPARE
from app.settings import VARIANTS
from observability.pictures import Span, draw
from tests import tiny
from tests.chaos.client import PREDICT, call, item
from tests.chaos.faults import Mode
from tests.chaos.service import FaultyServer
from tests.conftest import ROOT
from tests.deploy.expressions import DASHBOARDS
from tests.prometheus import Prometheus, running

FIGURES = ROOT / "docs/figures/dashboards"
STEP_S = 5
SETTINGS = {
    "XCOPA_QUEUE_SECONDS": "1.0",
    "XCOPA_WATCHDOG_S": "10",
    "XCOPA_LOG_LEVEL": "warning",
}
OVERLOAD = frozenset({"XcopaQueueSaturated", "XcopaBudgetBurnsFast"})
STUCK = frozenset({"XcopaStalled"})
MAY_FIRE = frozenset({"XcopaLosesItems"})
"""It needs five minutes of losses, which is about as long as both faults last."""


@dataclass(frozen=True)
class Phase:
    """A part of the incident."""

    name: str
    seconds: float
    callers: int
    mode: Mode = Mode.OK
    slowed: float = 0.0
    """Seconds that a batch takes more."""


PHASES = (
    Phase("normal", 120, 3),
    Phase("overload", 270, 60, Mode.SLOW, 0.05),
    Phase("stuck", 210, 6, Mode.STICK),
    Phase("recovery", 120, 3),
)


class Callers:
    """Threads that ask until they are stopped, with a pause after a refusal."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, count: int) -> None:
        self._threads = [threading.Thread(target=self._ask, args=(each,)) for each in range(count)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        while not self._stopped.is_set():
            number += 61
            path = COMPARE if number % 8 == 0 else PREDICT
            asked = {} if path == COMPARE else {"model": VARIANTS[number % len(VARIANTS)]}
            body = {**item(number % 500), **asked}
            reply = call(self._url, path, body, **{"X-Request-Timeout-Ms": "15000"})
            self._stopped.wait(0.02 if reply.status == HTTPStatus.OK else 0.3)


@dataclass
class Outcome:
    """When alerts fired, in seconds since 1970."""

    begun: float
    fired: dict[str, Span] = field(default_factory=dict)
    at_the_end: frozenset[str] = frozenset()

    def problems(self) -> list[str]:
        """Return what was not as it has to be."""
        found = [f"{name} did not fire" for name in (OVERLOAD | STUCK) - set(self.fired)]
        unexpected = set(self.fired) - OVERLOAD - STUCK - MAY_FIRE
        found += [f"{name} fired" for name in unexpected]
        if not found:
            last = max(self.fired[name].begin for name in OVERLOAD)
            first = min(self.fired[name].begin for name in STUCK)
            found += ["the stuck engine was noticed before the overload"] if first < last else []
        found += [f"{name} still fires" for name in STUCK & self.at_the_end]
        return sorted(found)


def alerts_of(prometheus: Prometheus, begun: float, ended: float) -> Outcome:
    """Return which alerts fired between two times, and which fire still."""
    outcome = Outcome(begun)
    series = prometheus.query_range('ALERTS{alertstate="firing"}', begun, ended, STEP_S)
    for each in series:
        name = each["metric"]["alertname"]
        times = [float(at) for at, _ in each["values"]]
        known = outcome.fired.get(name, Span(name, times[0], times[-1]))
        outcome.fired[name] = Span(name, min(known.begin, times[0]), max(known.end, times[-1]))
    now = prometheus.query('ALERTS{alertstate="firing"}')
    outcome.at_the_end = frozenset(each["metric"]["alertname"] for each in now)
    return outcome


@contextmanager
def incident(phases: Sequence[Phase], directory: Path) -> Iterator[tuple[Prometheus, float]]:
    """Go through the phases; yield the Prometheus that has seen them, and when they began."""
    models = {
        "XCOPA_MODELS__DIRECT": str(tiny.multiple_choice(directory / "direct", seed=1)),
        "XCOPA_MODELS__STILTS": str(tiny.multiple_choice(directory / "stilts", seed=2)),
    }
    (faults := directory / "faults").mkdir()
    (data := directory / "prometheus").mkdir()
    with FaultyServer(faults, {**models, **SETTINGS}) as server:
        server.wait_until_ready()
        with running(server.port, data, STEP_S, ["127.0.0.1"]) as prometheus:
            begun = time.time()
            for phase in phases:
                say(f"{time.time() - begun:4.0f} s: {phase.name}")
                server.faults.set(phase.mode, phase.slowed)
                callers = Callers(server.url)
                callers.start(phase.callers)
                time.sleep(phase.seconds)
                if phase.mode is Mode.STICK:
                    server.faults.clear()
                callers.stop()
            yield prometheus, begun


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def draw_all(prometheus: Prometheus, outcome: Outcome, ended: float, folder: Path) -> None:
    """Draw every dashboard over the time of the incident."""
    folder.mkdir(parents=True, exist_ok=True)
    spans = sorted(outcome.fired.values(), key=lambda span: span.begin)
    ask = partial(prometheus.query_range, start=outcome.begun, end=ended, step=STEP_S)
    for path in DASHBOARDS:
        draw(json.loads(path.read_text("utf-8")), ask, folder / f"{path.stem}.png", spans)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FIGURES, help="where the pictures go")
    parser.add_argument("--share", type=float, default=1.0, help="of the time of each phase")
    options = parser.parse_args()
    phases = [
        Phase(each.name, each.seconds * options.share, each.callers, each.mode, each.slowed)
        for each in PHASES
    ]
    with (
        tempfile.TemporaryDirectory() as directory,
        incident(phases, Path(directory)) as (prometheus, begun),
    ):
        ended = time.time()
        outcome = alerts_of(prometheus, begun, ended)
        draw_all(prometheus, outcome, ended, options.out)
    for span in sorted(outcome.fired.values(), key=lambda each: each.begin):
        say(f"{span.begin - begun:4.0f} s to {span.end - begun:4.0f} s: {span.name}")
    for problem in outcome.problems():
        say(f"not as it has to be: {problem}")
    return 1 if outcome.problems() else 0


if __name__ == "__main__":
    sys.exit(main())
