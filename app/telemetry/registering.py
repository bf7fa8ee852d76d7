"""The registry of one application, and how a declaration becomes counters and gauges in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prometheus_client import CollectorRegistry, disable_created_metrics

from app.telemetry.declaration import Declaration, Instrument

# When each series began: as many series again, and no query asks for them.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Registering:
    """A registry, and the models by which metrics are labelled.

    The children of labels whose values are known from the start are looked up once: to find one
    costs more than to count.
    """

    def __init__(self, models: Iterable[str]) -> None:
        self.registry = CollectorRegistry()
        self._models = tuple(models)

    def _register(self, metric: Declaration[Instrument]) -> Instrument:
        extra: dict[str, Any] = {"buckets": metric.buckets} if metric.buckets else {}
        return metric.kind(metric.name, metric.help, metric.labels, registry=self.registry, **extra)

    def _by_model(self, metric: Declaration[Instrument]) -> dict[str, Instrument]:
        parent = self._register(metric)
        return {model: parent.labels(model) for model in self._models}

    def _by_seed(self, metric: Declaration[Instrument]) -> dict[str, Instrument]:
        parent, seeds = self._register(metric), metric.seeds
        return {seed: parent.labels(seed) for seed in seeds}

    def _by_model_and_seed(
        self, metric: Declaration[Instrument]
    ) -> dict[tuple[str, ...], Instrument]:
        parent = self._register(metric)
        return {labels: parent.labels(*labels) for labels in self._with_model(metric.seeded)}

    def _with_model(self, seeded: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
        return [(model, *seeds) for seeds in seeded for model in self._models]
