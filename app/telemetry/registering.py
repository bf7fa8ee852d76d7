"""The registry of one application, and how a declaration becomes counters and gauges in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, disable_created_metrics

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
        """That are served."""
        self._known = self._models
        """And those that once were."""
        self._added: list[Callable[[str], object]] = []
        """Each makes the series of one metric for a model."""
        self._ended: list[Callable[[str], object]] = []
        """Each drops them."""

    def _register(self, metric: Declaration[Instrument]) -> Instrument:
        extra: dict[str, Any] = {"buckets": metric.buckets} if metric.buckets else {}
        return metric.kind(metric.name, metric.help, metric.labels, registry=self.registry, **extra)

    def _by_model(self, metric: Declaration[Instrument]) -> dict[str, Instrument]:
        parent = self._register(metric)
        children: dict[str, Instrument] = {}
        self._add_for_all(lambda model: children.setdefault(model, parent.labels(model)))
        if metric.kind is Gauge:
            self._ended.append(lambda model: _drop(children, parent, model))
        return children

    def _by_seed(self, metric: Declaration[Instrument]) -> dict[str, Instrument]:
        parent, seeds = self._register(metric), metric.seeds
        return {seed: parent.labels(seed) for seed in seeds}

    def _by_model_and_seed(
        self, metric: Declaration[Instrument]
    ) -> dict[tuple[str, ...], Instrument]:
        parent = self._register(metric)
        children: dict[tuple[str, ...], Instrument] = {}
        self._add_for_all(
            lambda model: [
                children.setdefault(labels, parent.labels(*labels))
                for labels in _with_model(model, metric.seeded)
            ]
        )
        return children

    def _add_for_all(self, add: Callable[[str], object]) -> None:
        """Make the series of each model, and of those that are served later."""
        self._added.append(add)
        for model in self._models:
            add(model)

    def models_served(self, models: Iterable[str]) -> None:
        """Take models as those that are served; the series of new ones start at zero."""
        self._models = tuple(models)
        self._known = tuple(dict.fromkeys((*self._known, *self._models)))
        for model in self._models:
            for add in self._added:
                add(model)

    def models_ended(self, models: Iterable[str]) -> None:
        """Drop what is measured of a state of the models that are not among these any more.

        What was counted of them stays, or a sum over models would go back.
        """
        served = set(models)
        for model in self._known:
            if model not in served:
                for end in self._ended:
                    end(model)


def _drop(children: dict[str, Instrument], parent: Instrument, model: str) -> None:
    if children.pop(model, None) is not None:
        parent.remove(model)


def _with_model(model: str, seeded: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [(model, *seeds) for seeds in seeded]
