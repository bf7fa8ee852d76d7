"""Runs LoadGen against the service."""

from __future__ import annotations

import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlperf_loadgen as loadgen

from loadtests.items import ItemFields
from loadtests.mlperf.asker import AnsweredLabels, Dialect, ServiceAsker
from loadtests.mlperf.log import LoadGenLog
from loadtests.target import TargetService

SINGLE_STREAM, MULTI_STREAM, SERVER, OFFLINE = SCENARIOS = (
    *("SingleStream", "MultiStream"),
    *("Server", "Offline"),
)
STREAMS = 8
OFFLINE_CALL = 32
"""Items of a call in Offline, where how items are put together is left to the system."""

THREADS = {SINGLE_STREAM: 1, MULTI_STREAM: 1, SERVER: 256, OFFLINE: 8}
ENOUGH = {SINGLE_STREAM: 64, MULTI_STREAM: 662, SERVER: 1307, OFFLINE: 1}
"""Queries with which LoadGen's early stopping rule can be met; of Server, with five of them late.
A rate near the highest has some that are, by chance."""

SEEDS = (3133965575612453542, 665484352860916858, 3622009729038561421)
"""Of LoadGen's own configuration: which samples, in which order, and when."""

_MARGIN = 1.5
"""LoadGen makes queries for the time that it expects; a faster service must not run out of them."""


@dataclass(frozen=True)
class StreamSettings:
    """How a scenario is run."""

    scenario: str
    seconds: float
    """At least."""
    bound_s: float = 0.5
    """Of Server: what the p99 may be."""
    rate: float = 1.0
    """Of Server: queries a second. Of the others: what is expected, in queries or items."""
    queries: int = 1
    """At least."""
    is_accuracy: bool = False
    """Each item once, and the answers are logged."""


def loadgen_settings(settings: StreamSettings) -> Any:
    """Return the settings as LoadGen has them."""
    found = loadgen.TestSettings()
    found.scenario = getattr(loadgen.TestScenario, settings.scenario)
    modes = loadgen.TestMode
    found.mode = modes.AccuracyOnly if settings.is_accuracy else modes.PerformanceOnly
    found.min_duration_ms = round(1000 * settings.seconds)
    found.min_query_count = settings.queries
    found.qsl_rng_seed, found.sample_index_rng_seed, found.schedule_rng_seed = SEEDS
    expected_ns = round(1e9 / (_MARGIN * settings.rate))
    found.single_stream_expected_latency_ns = expected_ns
    found.single_stream_target_latency_percentile = 0.9
    found.multi_stream_expected_latency_ns = expected_ns
    found.multi_stream_samples_per_query = STREAMS
    found.multi_stream_target_latency_percentile = 0.99
    found.server_target_qps = settings.rate
    found.server_target_latency_ns = round(1e9 * settings.bound_s)
    found.server_target_latency_percentile = 0.99
    found.offline_expected_qps = _MARGIN * settings.rate
    return found


@dataclass(frozen=True)
class LoadGenRun:
    """What came of a run."""

    settings: StreamSettings
    log: LoadGenLog
    failed: int
    """Items without a sound answer: LoadGen knows nothing of them, and one makes a run invalid."""
    failures: str = ""
    """Why they had none."""

    @property
    def is_valid(self) -> bool:
        return self.log.is_valid and not self.failed

    @property
    def is_in_time(self) -> bool:
        """Whether the percentile of Server is within its bound, however few queries there were."""
        return bool(self.log.values.get("result_perf_constraints_met"))

    @property
    def why_not(self) -> str:
        failed = f"{self.failed} items had no sound answer: {self.failures}. "
        return (failed if self.failed else "") + ("" if self.log.is_valid else self.log.why_not)


def run_scenario(
    service: TargetService,
    dialect: Dialect,
    items: Sequence[ItemFields],
    settings: StreamSettings,
    folder: Path,
) -> LoadGenRun:
    """Have LoadGen send its queries and write its logs into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    output = loadgen.LogOutputSettings()
    output.outdir, output.copy_summary_to_stdout = str(folder), False
    logs = loadgen.LogSettings()
    logs.log_output, logs.enable_trace = output, False
    is_patient = settings.scenario == OFFLINE
    with ServiceAsker(service, dialect, THREADS[settings.scenario], is_patient) as asker:
        issue = issuer(asker, items, OFFLINE_CALL if is_patient else STREAMS)
        system = loadgen.ConstructSUT(issue, lambda: None)
        library = loadgen.ConstructQSL(len(items), len(items), lambda _: None, lambda _: None)
        try:
            loadgen.StartTestWithLogSettings(system, library, loadgen_settings(settings), logs)
        finally:
            loadgen.DestroyQSL(library)
            loadgen.DestroySUT(system)
    return LoadGenRun(settings, LoadGenLog.read(folder), asker.failed, str(asker.failures))


def issuer(
    asker: ServiceAsker, items: Sequence[ItemFields], most: int
) -> Callable[[Sequence[Any]], None]:
    """Return what LoadGen calls with the samples of a query; it returns at once.

    Args:
        asker: asks the service.
        items: by the index of a sample.
        most: samples of one call to the service.
    """

    def issue(samples: Sequence[Any]) -> None:
        for first in range(0, len(samples), most):
            some = samples[first : first + most]
            numbers = [sample.id for sample in some]
            asked = [items[sample.index] for sample in some]
            asker.ask(asked, lambda labels, own=numbers: complete(own, labels))  # type: ignore[misc]

    return issue


def complete(numbers: Sequence[int], labels: AnsweredLabels) -> None:
    """Tell LoadGen that samples were answered; their labels are a signed byte each."""
    data = array.array("b", labels)
    address, _ = data.buffer_info()
    loadgen.QuerySamplesComplete(
        [
            loadgen.QuerySampleResponse(number, address + place, 1)
            for place, number in enumerate(numbers)
        ]
    )
