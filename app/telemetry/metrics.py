"""Prometheus metrics of one application; ``declarations.py`` describes each.

Other parts say what happened. Only this file, and the two whose classes it joins, know which
counter or gauge that changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass

from prometheus_client import generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from app.telemetry import declared_process as table
from app.telemetry.batch_metrics import BatchMetrics
from app.telemetry.exposition import OPENMETRICS, TEXT, wants_openmetrics
from app.telemetry.request_metrics import RequestMetrics


@dataclass(frozen=True)
class ModelInfo:
    """What is served under the name of a model, and what computes it."""

    model: str
    revision: str
    """Names the weights in memory."""
    device: str
    precision: str
    threads: int
    """Of one pass."""
    kernels: str
    token_budget: int


class Metrics(RequestMetrics, BatchMetrics):
    """Every metric of one application, in a registry of its own."""

    def __init__(self, models: Iterable[str]) -> None:
        super().__init__(models)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._model_info = self._register(table.MODEL_INFO)
        self._kernel_gain = self._register(table.LINEAR_KERNEL_GAIN)
        self._start_seconds = self._by_seed(table.START_SECONDS)
        self._build_info = self._register(table.BUILD_INFO)
        self._model_changes = self._by_seed(table.MODEL_CHANGES_COUNT)
        self._generations = self._register(table.GENERATIONS)
        self._ready = self._register(table.READY)
        self._keys_outdated = self._register(table.KEYS_OUTDATED)
        self._handshakes_failed = self._register(table.TLS_HANDSHAKES_FAILED)
        self._log_lines_dropped = self._register(table.LOG_LINES_DROPPED)

    def built(self, version: str, python: str, torch: str) -> None:
        """Set the versions that run."""
        self._build_info.labels(version, python, torch).set(1)

    def models_served(self, models: Iterable[str]) -> None:
        """Take models as those that are served; what was said of those of before is dropped."""
        super().models_served(models)
        for each in (self._model_info, self._kernel_gain, self._engine_plan_gain):
            each.clear()

    def model_loaded(self, info: ModelInfo) -> None:
        """Set which weights are served, and what computes them."""
        self._model_info.labels(*astuple(info)).set(1)

    def start_took(self, phase: str, seconds: float) -> None:
        """Set how long a part of the start took, one of ``START_PHASES``."""
        self._start_seconds[phase].set(seconds)

    def kernel_chosen(self, model: str, layer: str, kernel: str, gain: float) -> None:
        """Set which kernel computes a layer shape, and how much was gained by measuring."""
        self._kernel_gain.labels(model, layer, kernel).set(gain)

    def keys_outdated(self, outdated: bool) -> None:
        """Set whether older keys than those of the file are in force."""
        self._keys_outdated.set(outdated)

    def handshake_failed(self) -> None:
        """Count a connection that ended before TLS was agreed on."""
        self._handshakes_failed.inc()

    def log_lines_dropped(self, lines: int) -> None:
        """Count lines of the log that nobody read in time."""
        self._log_lines_dropped.inc(lines)

    def models_changed(self, result: str) -> None:
        """Count a change of the models that are served, by one of ``MODEL_CHANGES``."""
        self._model_changes[result].inc()

    def watch_generations(self, generations: Callable[[], int]) -> None:
        """Read at every scrape how many sets of models are in memory."""
        self._generations.set_function(generations)

    def watch_ready(self, ready: Callable[[], bool]) -> None:
        """Read whether the service is ready at every scrape."""
        self._ready.set_function(ready)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return the body of the answer to a scrape, and its content type.

        Args:
            accept: the scraper's ``Accept`` header.
        """
        if wants_openmetrics(accept):
            body: bytes = generate_openmetrics(self.registry)  # type: ignore[no-untyped-call]
            return body, OPENMETRICS
        return generate_latest(self.registry), TEXT
