"""What is counted of requests, of the items in them, and of the keys that they bring."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from prometheus_client import Counter, Histogram

from app.telemetry import declared_requests as table
from app.telemetry.registering import Registering

SEEDED_STATUSES = (200, 422, 429, 500, 503, 504)
"""That a route which asks a model may answer with, whatever its callers do."""


@dataclass(frozen=True)
class KeyCounters:
    """What is counted of one API key."""

    requests: Counter
    tokens: Counter
    limited: Counter


class RequestMetrics(Registering):
    """The part of ``Metrics`` that counts requests."""

    def __init__(self, models: Iterable[str]) -> None:
        super().__init__(models)
        self._stage_parents = [self._register(each) for each in table.STAGE_SECONDS]
        self._stages: dict[tuple[str, str], list[Histogram]] = {}
        self._http_requests = self._register(table.HTTP_REQUESTS)
        self._http: dict[tuple[str, int], Counter] = {}
        self._problems = self._by_seed(table.PROBLEM_COUNT)
        self._items = self._by_model_and_seed(table.ITEMS)
        self._refused = self._by_model_and_seed(table.REFUSED)
        self._expired = self._by_model_and_seed(table.EXPIRED)
        self._cancelled = self._by_model_and_seed(table.CANCELLED)
        self._predictions = self._by_model_and_seed(table.PREDICTIONS)
        self._confidence = self._by_model(table.CONFIDENCE_RATIO)
        self._shadow_items = self._by_model_and_seed(table.SHADOW_ITEMS)
        self._compared = self._by_seed(table.COMPARED)
        self._cache_requests = self._by_model_and_seed(table.CACHE_REQUESTS)
        self._cache_bytes = self._register(table.CACHE_BYTES)
        self._by_key = [
            self._register(each)
            for each in (table.KEY_REQUESTS, table.KEY_TOKENS, table.KEY_LIMITED)
        ]
        self._of_key: dict[str, KeyCounters] = {}
        self._key_refused = self._by_seed(table.KEY_REFUSED)

    # Requests ----------------------------------------------------------------------------

    def seed_routes(self, routes: Iterable[tuple[str, Sequence[str]]]) -> None:
        """Start the series of routes that ask models at zero; each comes with its models."""
        for route, models in routes:
            for model in models:
                self._stages_of(route, model)
            for status in SEEDED_STATUSES:
                self._http_of(route, status)

    def http_answered(self, route: str, status: int) -> None:
        """Count a response. ``route`` is the pattern of a path, never a text of the caller."""
        child = self._http.get((route, status)) or self._http_of(route, status)
        child.inc()

    def problem_answered(self, slug: str) -> None:
        """Count a response that is a problem document."""
        self._problems.get(slug, self._problems["http"]).inc()

    def request_answered(
        self, route: str, model: str, seconds: Sequence[float | None], trace_id: str = ""
    ) -> None:
        """Record the time of each stage of an answered request.

        Args:
            route: the pattern of its path.
            model: the one that it asked, or ``SEVERAL``.
            seconds: in the order of ``STAGE_SECONDS``; None for a stage that it did not pass.
            trace_id: in hexadecimal, where the request has a trace; the exemplar of its buckets.
        """
        exemplar = {"trace_id": trace_id} if trace_id else None
        stages = self._stages.get((route, model)) or self._stages_of(route, model)
        for child, taken in zip(stages, seconds, strict=True):
            if taken is not None:
                child.observe(taken, exemplar)

    def _stages_of(self, route: str, model: str) -> list[Histogram]:
        made = [parent.labels(model, route) for parent in self._stage_parents]
        self._stages[route, model] = made
        return made

    def _http_of(self, route: str, status: int) -> Counter:
        made = self._http_requests.labels(route, str(status))
        self._http[route, status] = made
        return made

    # Items -------------------------------------------------------------------------------

    def cache_asked(self, model: str, result: str) -> None:
        """Count an item by the state of the cache, one of ``CACHE_RESULTS``."""
        self._cache_requests[model, result].inc()

    def item_ended(self, model: str, outcome: str) -> None:
        """Count an item by how it ended, one of ``OUTCOMES``."""
        self._items[model, outcome].inc()

    def item_refused(self, model: str, reason: str) -> None:
        """Count an item whose call was refused, by one of ``REFUSALS``."""
        self._items[model, "rejected"].inc()
        self._refused[model, reason].inc()

    def item_expired(self, model: str, stage: str) -> None:
        """Count an item that was not answered in time, by one of ``STAGES``."""
        self._items[model, "expired"].inc()
        self._expired[model, stage].inc()

    def item_cancelled(self, model: str, stage: str) -> None:
        """Count an item whose caller left, by one of ``STAGES``."""
        self._items[model, "cancelled"].inc()
        self._cancelled[model, stage].inc()

    def item_predicted(self, model: str, question: str, label: int, confidence: float) -> None:
        """Count an answer: the place of the choice, and its probability."""
        place = str(label) if label <= 1 else "other"
        self._items[model, "answered"].inc()
        self._predictions[model, question, place].inc()
        self._confidence[model].observe(confidence)

    def items_compared(self, *, agree: bool) -> None:
        """Count an item that all models answered."""
        self._compared["agree" if agree else "differ"].inc()

    def shadow_asked(self, model: str, question: str, result: str) -> None:
        """Count an item that a model was to be asked as a shadow, by one of ``SHADOW_RESULTS``."""
        self._shadow_items[model, question, result].inc()

    def watch_cache(self, size: Callable[[], int]) -> None:
        """Read the bytes of the cached answers at every scrape."""
        self._cache_bytes.set_function(size)

    # Keys --------------------------------------------------------------------------------

    def keys_taken(self, names: Iterable[str]) -> None:
        """Count by these names of API keys from now on, and forget those that are gone."""
        kept = {
            name: KeyCounters(*(counter.labels(name) for counter in self._by_key)) for name in names
        }
        gone = self._of_key.keys() - kept.keys()
        self._of_key = kept
        for name in gone:
            for counter in self._by_key:
                counter.remove(name)

    def key_admitted(self, name: str) -> None:
        """Count a request that was let in with a key."""
        if counters := self._of_key.get(name):
            counters.requests.inc()

    def key_spent(self, name: str, tokens: int) -> None:
        """Count the tokens of a call."""
        if counters := self._of_key.get(name):
            counters.tokens.inc(tokens)

    def key_limited(self, name: str) -> None:
        """Count a call that was refused because its key had used up its tokens."""
        if counters := self._of_key.get(name):
            counters.limited.inc()

    def key_refused(self, reason: str) -> None:
        """Count a request that was refused for its key, by one of ``KEY_REFUSALS``."""
        self._key_refused[reason].inc()
