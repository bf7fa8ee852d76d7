"""Tries a rate on a real service: requests come at random, whether or not others are answered."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import gevent
import psutil

from loadtests.bench.light_client import LightClient
from loadtests.bench.servers import JSON
from loadtests.capacity.resources import limit_of, read_usage, usage
from loadtests.capacity.search import SearchRules, TrialDecision, decide
from loadtests.capacity.sequential import RequestWindow
from loadtests.cases import JudgedBody, LoadCase, RouteCase
from loadtests.failures import FailureTally
from loadtests.own_headers import own_headers
from loadtests.report.histogram import LatencyHistogram
from loadtests.report.timeline import LoadPoint, Moment
from loadtests.scrape import batch_rows, scrape
from loadtests.target import TargetService

OK = 200
HUNG_S = 20.0
"""A request that takes longer is not waited for."""

_MOST_WAITING = 4096
"""Requests on their way at a time; more could not be told from a service that hangs."""


class ServiceFailedError(Exception):
    """The service cannot be measured; says in one line why."""


@dataclass
class SentRequest:
    """A request on its way, and what became of it."""

    due: float
    sent: float
    ended: float | None = None
    is_sound: bool = False

    def is_late(self, now: float, bound_s: float) -> bool:
        """Whether it was not answered in time; counted from when it was due."""
        if self.ended is None:
            return now - self.due > bound_s
        return not self.is_sound or self.ended - self.due > bound_s

    @property
    def has_failed(self) -> bool:
        return self.ended is not None and not self.is_sound


@dataclass(frozen=True)
class RateTrial:
    """What a rate led to."""

    rate: float
    decision: TrialDecision
    latencies: LatencyHistogram
    shares: dict[str, float]
    """Of resources."""
    limit: str
    lag_s: float
    """By how much 1 % of the requests were sent too late."""
    moments: list[Moment]
    failures: str = ""
    """Why requests had no sound answer."""

    @property
    def point(self) -> LoadPoint:
        """The trial as a point of latency against load."""
        p50, p99 = (1000 * self.latencies.quantile(share) for share in (0.5, 0.99))
        return LoadPoint(self.rate, p50, p99, self.decision.holds)


@dataclass
class LiveTrials:
    """Tries rates of a case on a service."""

    service: TargetService
    case: RouteCase
    rules: SearchRules
    warm_up_s: float = 2.0
    _seed: int = 0
    _began: float = field(default_factory=time.monotonic)

    def attempt(self, rate: float, effect: float) -> RateTrial:
        """Send requests at a rate until it is decided whether it holds."""
        self._seed += 1
        load = SteadyArrivals(self.service, self.case, rate, self._seed)
        before = read_usage(self.service)
        load.send(self.warm_up_s)
        load.requests.clear()
        moments: list[Moment] = []
        decision = decide(self._windows(load, moments), rate, effect, self.rules)
        shares = usage(before, read_usage(self.service), psutil.cpu_count() or 1)
        load.wait()
        lag = load.lag_s
        return RateTrial(
            rate=rate,
            decision=decision,
            latencies=load.latencies(),
            shares=shares,
            limit=limit_of(shares, lag, self.rules.goal.p99_s),
            lag_s=lag,
            moments=moments,
            failures=str(load.failures),
        )

    def _windows(self, load: SteadyArrivals, moments: list[Moment]) -> Iterator[RequestWindow]:
        """Send for a window at a time; each is counted after the next: by then it is decided which
        of its requests are late, because a window is no shorter than the bound."""
        pool = gevent.get_hub().threadpool  # a scrape must not hold requests up
        before, previous = pool.apply(scrape, (self.service.url,)), None
        while True:
            first = len(load.requests)
            scraping = pool.spawn(scrape, self.service.url)
            load.send(self.rules.window_s)
            if previous is not None:
                seen = scraping.get()
                moments.append(self._moment(load.rate, previous, batch_rows(before, seen)))
                before = seen
                yield self._counted(previous)
            previous = load.requests[first:]

    def _counted(self, requests: list[SentRequest]) -> RequestWindow:
        now, bound = time.monotonic(), self.rules.goal.p99_s
        late = sum(each.is_late(now, bound) for each in requests)
        return RequestWindow(len(requests), late, sum(each.has_failed for each in requests))

    def _moment(self, rate: float, own: list[SentRequest], rows: float | None) -> Moment:
        latencies = LatencyHistogram(
            each.ended - each.due for each in own if each.ended is not None and each.is_sound
        )
        return Moment(
            at_s=time.monotonic() - self._began,
            offered=rate,
            answered_per_s=len(latencies) / self.rules.window_s,
            failed_per_s=sum(each.has_failed for each in own) / self.rules.window_s,
            p50_ms=1000 * latencies.quantile(0.5),
            p99_ms=1000 * latencies.quantile(0.99),
            batch_rows=rows,
        )


class SteadyArrivals:
    """A Poisson process of requests that goes on as long as it is told to."""

    def __init__(self, service: TargetService, case: LoadCase, rate: float, seed: int) -> None:
        self.rate = rate
        self.requests: list[SentRequest] = []
        self.failures = FailureTally()
        self._chance = random.Random(seed)  # noqa: S311 - times, no secret
        self._client = LightClient(service.port, 2 * HUNG_S, service.host)
        headers = {**JSON, **own_headers()}
        self._bodies = [
            (each, self._client.request(case.path, each.body, headers)) for each in case.bodies
        ]
        self._waiting: set[gevent.Greenlet] = set()
        self._due = time.monotonic()

    def send(self, seconds: float) -> None:
        """Send what is due within the next seconds."""
        self.send_until(time.monotonic() + seconds)

    def send_until(self, moment: float) -> None:
        """Send what is due until then, without waiting for answers."""
        while self._due < moment:
            gevent.sleep(max(0.0, self._due - time.monotonic()))
            if len(self._waiting) < _MOST_WAITING:
                self._spawn()
            else:
                self.requests.append(SentRequest(self._due, time.monotonic(), self._due))
                self.failures.note_unsent()
            self._due += self._chance.expovariate(self.rate)
        gevent.sleep(max(0.0, moment - time.monotonic()))

    def _spawn(self) -> None:
        request = SentRequest(self._due, time.monotonic())
        self.requests.append(request)
        asking = gevent.spawn(self._ask, request, *self._chance.choice(self._bodies))
        self._waiting.add(asking)
        asking.rawlink(self._waiting.discard)

    def _ask(self, request: SentRequest, asked: JudgedBody, wire: bytes) -> None:
        try:
            response = self._client.exchange(wire)
            request.is_sound = response.status == OK and asked.is_sound(response.body)
            if not request.is_sound:
                self.failures.note(response.status, response.body)
        except OSError as error:
            self.failures.note_error(error)
        # From the moment it was due: a slow service must not slow its own test.
        request.ended = time.monotonic()

    def ask_until(self, moment: float) -> None:
        """Ask one request after the other, at least one."""
        while True:
            now = time.monotonic()
            request = SentRequest(now, now)
            self.requests.append(request)
            self._ask(request, *self._chance.choice(self._bodies))
            if time.monotonic() >= moment:
                return

    def wait(self) -> None:
        """Wait for the answers, so that the next trial finds an empty queue."""
        gevent.joinall(list(self._waiting), timeout=HUNG_S)
        gevent.killall(list(self._waiting))
        self._client.close()

    def latencies(self) -> LatencyHistogram:
        """Return those of the sound answers, from when they were due."""
        ends = [(each.due, each.ended) for each in self.requests if each.is_sound]
        return LatencyHistogram(ended - due for due, ended in ends if ended is not None)

    @property
    def lag_s(self) -> float:
        """By how much 1 % of the requests were sent too late."""
        lags = sorted(each.sent - each.due for each in self.requests)
        return lags[int(0.99 * len(lags))] if lags else 0.0


def saturated_rate(service: TargetService, case: RouteCase, callers: int, seconds: float) -> float:
    """Return the requests a second of callers that wait for their answers: where to begin.

    Raises:
        ServiceFailedError: an answer was not sound.
    """
    load = SteadyArrivals(service, case, 1.0, 0)
    asking = [gevent.spawn(load.ask_until, time.monotonic() + seconds) for _ in range(callers)]
    began = time.monotonic()
    gevent.joinall(asking)
    ended = time.monotonic()
    load.wait()
    failed = sum(not each.is_sound for each in load.requests)
    if failed:
        count = len(load.requests)
        said = f"{failed} of {count} requests had no sound answer"
        raise ServiceFailedError(f"{case.name}: {said}: {load.failures}")
    return len(load.requests) / (ended - began)
