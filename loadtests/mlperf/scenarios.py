"""The four scenarios in their order: what each measures, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.items import ItemFields
from loadtests.mlperf.asker import ServiceDialect
from loadtests.mlperf.log import accuracy_of
from loadtests.mlperf.run import (
    ENOUGH,
    MULTI_STREAM,
    OFFLINE,
    SERVER,
    SINGLE_STREAM,
    STREAMS,
    LoadGenRun,
    StreamSettings,
    run_scenario,
)
from loadtests.mlperf.server_rate import NOT_MEASURED, ServerRateSearch, ServerRules
from loadtests.target import TargetService

_TRIAL_S, _MOST_RUNS = 3.0, 3


@dataclass(frozen=True)
class ScenarioFigure:
    """What a scenario came to."""

    scenario: str
    variant: str
    what: str
    value: float | None
    """None where it could not be measured."""
    unit: str
    is_valid: bool
    why_not: str
    details: dict[str, Any]

    @property
    def said_value(self) -> str:
        """The value without its unit, in words where there is none."""
        return NOT_MEASURED if self.value is None else f"{self.value:.4g}"

    def __str__(self) -> str:
        unit = "" if self.value is None else f" {self.unit}"
        said = f"{self.scenario} {self.variant}: {self.what}: {self.said_value}{unit}"
        return f"PASS: {said}" if self.is_valid else f"FAIL: {said}; {self.why_not}"


@dataclass(frozen=True)
class ScenarioRunner:
    """Runs scenarios of a variant.

    Args:
        rules: of Server; runs of the others are as long. A submission to MLPerf has 600 seconds.
        folder: gets a folder with LoadGen's logs for each run.
        say: gets a line for each run of Server.
    """

    service: TargetService
    variant: str
    items: Sequence[ItemFields]
    rules: ServerRules
    folder: Path
    say: Callable[[str], None]

    @property
    def _dialect(self) -> ServiceDialect:
        return ServiceDialect(self.variant)

    def figure(self, scenario: str) -> ScenarioFigure:
        """Run a scenario."""
        if scenario == SERVER:
            return self._server()
        run = self._long_enough(scenario)
        if scenario == SINGLE_STREAM:
            return self._latency(run, "90", "result_90.00_percentile_latency_ns", "ss")
        if scenario == MULTI_STREAM:
            return self._latency(run, "99", "result_99.00_percentile_per_query_latency_ns", "ms")
        rate = run.log.number("result_samples_per_second")
        return self._told(run, "items answered", rate, "items/s", {})

    def accuracy(self, scenario: str, labels: Sequence[int]) -> ScenarioFigure:
        """Ask each item once and compare the answers."""
        settings = StreamSettings(scenario, 0, self.rules.bound_s, 20.0, is_accuracy=True)
        folder = self.folder / self.variant / scenario / "accuracy"
        run = run_scenario(self.service, self._dialect, self.items, settings, folder)
        right, count = accuracy_of(folder, labels)
        is_whole = count == len(self.items) and not run.failed
        why = run.why_not or f"{count} of {len(self.items)} items were asked"
        details = {"right": right, "items": count}
        share = 100 * right / max(1, count)
        told = self._told(run, "accuracy", share, "%", details)
        return ScenarioFigure(
            scenario, self.variant, told.what, share, "%", is_whole, why, told.details
        )

    def _latency(self, run: LoadGenRun, percentile: str, key: str, name: str) -> ScenarioFigure:
        details = {
            "early_stopping_estimate_ms": 1000 * run.log.seconds(f"early_stopping_latency_{name}"),
            "queries": run.log.number("result_query_count"),
            "curve": run.log.curve,
        }
        what = f"{percentile}th percentile of a query"
        if run.settings.scenario == MULTI_STREAM:
            what += f" of {STREAMS}"
        return self._told(run, what, 1000 * run.log.seconds(key), "ms", details)

    def _server(self) -> ScenarioFigure:
        first = self._run(OFFLINE, 1.0, "first", _TRIAL_S)
        search = ServerRateSearch(self.variant, self.rules, self._server_run, self.say)
        found = search.find(self._rate(first) / 2)
        return ScenarioFigure(
            scenario=SERVER,
            variant=self.variant,
            what=f"highest rate at p99 within {1000 * self.rules.bound_s:g} ms",
            value=found.rate,
            unit="queries/s",
            is_valid=found.rate is not None,
            why_not=found.why_not,
            details={**found.to_json(), "bound_ms": 1000 * self.rules.bound_s},
        )

    def _server_run(self, settings: StreamSettings, number: int) -> LoadGenRun:
        folder = self.folder / self.variant / SERVER / f"{number:02}"
        return run_scenario(self.service, self._dialect, self.items, settings, folder)

    def _long_enough(self, scenario: str) -> LoadGenRun:
        """Run for as long as is asked for: LoadGen must be told first how many queries that is."""
        run = self._run(scenario, 1.0, "first", _TRIAL_S)
        for number in range(_MOST_RUNS):
            enough = ENOUGH[scenario]
            run = self._run(scenario, self._rate(run), f"run-{number}", self.rules.seconds, enough)
            if run.log.values.get("result_min_duration_met"):
                break
        return run

    def _run(
        self, scenario: str, rate: float, name: str, seconds: float, queries: int = 1
    ) -> LoadGenRun:
        settings = StreamSettings(scenario, seconds, self.rules.bound_s, rate, queries)
        folder = self.folder / self.variant / scenario / name
        return run_scenario(self.service, self._dialect, self.items, settings, folder)

    def _rate(self, run: LoadGenRun) -> float:
        """Return the queries a second of a run, or of Offline the items a second."""
        if run.settings.scenario == OFFLINE:
            return max(1.0, run.log.number("result_samples_per_second"))
        mean = run.log.seconds("result_mean_latency_ns")
        return 1 / mean if mean else 1.0

    def _told(
        self, run: LoadGenRun, what: str, value: float, unit: str, details: dict[str, Any]
    ) -> ScenarioFigure:
        scenario = run.settings.scenario
        valid, why = run.is_valid, run.why_not
        return ScenarioFigure(scenario, self.variant, what, value, unit, valid, why, details)
