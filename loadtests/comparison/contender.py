"""A running server under load."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import gevent

from loadtests.bench.closed_load import CALLERS
from loadtests.bench.servers import BenchServer
from loadtests.capacity.live import SteadyArrivals
from loadtests.comparison.answers import WireCase, WireDialect
from loadtests.comparison.figures import ContenderFigures, LoadSpan, load_figures
from loadtests.comparison.plan import LoadPlan
from loadtests.items import ItemFields
from loadtests.mlperf.run import LoadGenRun, StreamSettings, run_scenario
from loadtests.mlperf.server_rate import ServerRate, ServerRateSearch, ServerRules
from loadtests.target import TargetService

SEED = 23


@dataclass(frozen=True)
class Contender:
    """A server, what it is asked, and how it is loaded."""

    name: str
    server: BenchServer
    case: WireCase
    plan: LoadPlan

    def closed(self, seconds: float) -> ContenderFigures:
        """Have callers ask again as soon as they are answered, for some seconds."""
        load = self._load(1.0)

        def send() -> None:
            until = time.monotonic() + seconds
            gevent.joinall([gevent.spawn(load.ask_until, until) for _ in range(CALLERS)])

        return self._measured(load, send)

    def open(self, rate: float, seconds: float) -> ContenderFigures:
        """Have requests arrive at random, at a rate, whether or not others are answered."""
        load = self._load(rate)
        return self._measured(load, lambda: load.send(seconds))

    def server_rate(
        self,
        start: float,
        variant: str,
        items: Sequence[ItemFields],
        folder: Path,
        say: Callable[[str], None],
    ) -> ServerRate:
        """Search for the highest rate of Server.

        Args:
            start: a rate to begin with.
            variant: that requests name.
            items: that are asked.
            folder: gets LoadGen's logs, in a folder for each run.
            say: gets a line for each run.
        """
        dialect, target, plan = WireDialect(self.case.wire, variant), self._target, self.plan

        def run(settings: StreamSettings, number: int) -> LoadGenRun:
            return run_scenario(target, dialect, items, settings, folder / f"{number:02}")

        rules = ServerRules(plan.seconds, plan.most_s, plan.bound_s, plan.precision)
        return ServerRateSearch(self.name, rules, run, say).find(start)

    @property
    def _target(self) -> TargetService:
        return TargetService("127.0.0.1", self.server.port, self.server.process)

    def _load(self, rate: float) -> SteadyArrivals:
        return SteadyArrivals(self._target, self.case, rate, SEED)

    def _measured(self, load: SteadyArrivals, send: Callable[[], None]) -> ContenderFigures:
        cpu, began = self.server.cpu_seconds, time.monotonic()
        send()
        ended = time.monotonic()
        load.wait()
        spent, failures = self.server.cpu_seconds - cpu, str(load.failures)
        span = LoadSpan(began, ended, spent, load.lag_s, failures)
        return load_figures(load.requests, span, self.plan.good_s)
