"""LoadGen's Server scenario on simulated time: a queue of one, and LoadGen's own rule."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from loadtests.mlperf.log import NS, LoadGenLog
from loadtests.mlperf.run import LoadGenRun, StreamSettings

_CONFIDENCE = _PERCENTILE = 0.99


def is_enough(queries: int, late: int) -> bool:
    """Whether LoadGen's early stopping rule is met: its test of a binomial share."""
    chance = math.fsum(math.exp(_log_chance(queries, each)) for each in range(late + 1))
    return chance <= 1 - _CONFIDENCE


def _log_chance(queries: int, late: int) -> float:
    ways = math.lgamma(queries + 1) - math.lgamma(late + 1) - math.lgamma(queries - late + 1)
    return ways + late * math.log1p(-_PERCENTILE) + (queries - late) * math.log(_PERCENTILE)


def loadgen(
    service_s: float, failed: int = 0, seed: int = 5
) -> Callable[[StreamSettings, int], LoadGenRun]:
    """Return what runs a scenario on a server that takes the same time for each query."""

    def run(settings: StreamSettings, number: int) -> LoadGenRun:
        count = max(settings.queries, round(settings.seconds * settings.rate))
        chance = np.random.default_rng(seed + number)
        due = np.cumsum(chance.exponential(1 / settings.rate, count))
        busy = np.arange(1, count + 1) * service_s
        latencies = busy + np.maximum.accumulate(due - (busy - service_s)) - due
        return LoadGenRun(settings, log_of(latencies, settings.bound_s), failed)

    return run


def log_of(latencies: np.ndarray, bound_s: float) -> LoadGenLog:
    count, late = len(latencies), int((latencies > bound_s).sum())
    p50, p99 = (float(np.quantile(latencies, share)) / NS for share in (0.5, 0.99))
    is_in_time, enough = p99 <= bound_s / NS, is_enough(count, late)
    return LoadGenLog(
        {
            "result_validity": "VALID" if is_in_time and enough else "INVALID",
            "result_perf_constraints_met": is_in_time,
            "result_invalid_reason": "" if is_in_time else "Reduce target QPS. ",
            "early_stopping_result": "" if enough else f" * Processed {count} queries.",
            "result_query_count": count,
            "result_overlatency_query_count": late,
            "result_50.00_percentile_latency_ns": p50,
            "result_99.00_percentile_latency_ns": p99,
        }
    )
