"""The metrics of the models that are served, and of the process."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from app.telemetry.declaration import AnyDeclaration, Declaration

START_PHASES = ("load", "warm_up", "calibrate")
"""What a start takes time for, in order."""

MODEL_CHANGES = ("loaded", "unloaded", "failed")
"""How a change of models ended."""

MODEL_INFO = Declaration(
    Gauge,
    "xcopa_model_info",
    "1 for each model that is served, with what computes it: the threads of one pass, the kernels "
    "of its linear layers, and the most tokens of a batch.",
    "always 1",
    "count by (model, revision) (xcopa_model_info)",
    labels=("model", "revision", "device", "precision", "threads", "kernel", "token_budget"),
)
LINEAR_KERNEL_GAIN = Declaration(
    Gauge,
    "xcopa_linear_kernel_gain_ratio",
    "How many times as fast the kernel of a layer shape is, measured at the start, as the one that "
    "is taken without measuring.",
    "ratio",
    "min by (model, layer, kernel) (xcopa_linear_kernel_gain_ratio)",
    labels=("model", "layer", "kernel"),
)
START_SECONDS = Declaration(
    Gauge,
    "xcopa_start_duration_seconds",
    "Time that the start took to load the models, to run each once, and to measure them.",
    "seconds",
    "max by (instance, phase) (xcopa_start_duration_seconds)",
    labels=("phase",),
    seeds=START_PHASES,
)
BUILD_INFO = Declaration(
    Gauge,
    "xcopa_build_info",
    "1, with the versions of the service, of Python, and of torch.",
    "always 1",
    "count by (version) (xcopa_build_info)",
    labels=("version", "python", "torch"),
)
MODEL_CHANGES_COUNT = Declaration(
    Counter,
    "xcopa_model_changes_total",
    "Times that models were loaded (or replaced) or unloaded while the service ran, or that this "
    "failed and the models stayed as they were.",
    "changes",
    "sum by (instance, result) (increase(xcopa_model_changes_total[1h])) > 0",
    labels=("result",),
    seeds=MODEL_CHANGES,
)
GENERATIONS = Declaration(
    Gauge,
    "xcopa_generations",
    "Sets of models in memory: 2 while models are replaced, else 1.",
    "sets of models",
    "max by (instance) (xcopa_generations)",
)
READY = Declaration(
    Gauge,
    "xcopa_ready",
    "1 while the service is ready.",
    "0 or 1",
    "min(xcopa_ready)",
)
KEYS_OUTDATED = Declaration(
    Gauge,
    "xcopa_keys_outdated",
    "1 while the file of API keys is broken or missing, and the keys of before are in force.",
    "0 or 1",
    "max by (instance) (xcopa_keys_outdated)",
)
TLS_HANDSHAKES_FAILED = Declaration(
    Counter,
    "xcopa_tls_handshakes_failed_total",
    "Connections that ended before TLS was agreed on.",
    "connections",
    "sum by (instance) (rate(xcopa_tls_handshakes_failed_total[5m]))",
)
LOG_LINES_DROPPED = Declaration(
    Counter,
    "xcopa_log_lines_dropped_total",
    "Lines of the log that were dropped, because whoever reads the log is too slow or gone.",
    "lines",
    "sum by (instance) (rate(xcopa_log_lines_dropped_total[5m]))",
)

PROCESS: tuple[AnyDeclaration, ...] = (
    MODEL_INFO,
    LINEAR_KERNEL_GAIN,
    START_SECONDS,
    BUILD_INFO,
    MODEL_CHANGES_COUNT,
    GENERATIONS,
    READY,
    KEYS_OUTDATED,
    TLS_HANDSHAKES_FAILED,
    LOG_LINES_DROPPED,
)
"""In the order of the reference page."""
