"""*Resources*: memory, processors and files of the processes, and what was started."""

from __future__ import annotations

from observability.dashboards.dashboard import DashboardSpec, RowSpec
from observability.dashboards.panels import OF_INSTANCE, Kind, PanelSpec, Query, rate


def _of(metric: str, by: str = "instance") -> str:
    return f"max by ({by}) ({metric}{{{OF_INSTANCE}}})"


def _in_an_hour(counter: str) -> str:
    return f"sum by (instance) (increase({counter}{{{OF_INSTANCE}}}[1h]))"


_PROCESS = RowSpec(
    "Process of the service",
    [
        PanelSpec(
            "Memory",
            "Resident, without the engines.",
            "bytes",
            [Query(_of("process_resident_memory_bytes"), "{{instance}}")],
        ),
        PanelSpec(
            "Processor",
            "Cores, without the engines.",
            "none",
            [Query(rate("process_cpu_seconds_total", "instance", OF_INSTANCE), "{{instance}}")],
        ),
        PanelSpec(
            "Open files",
            "And the limit.",
            "none",
            [
                Query(_of("process_open_fds"), "{{instance}}"),
                Query(_of("process_max_fds"), "{{instance}} limit"),
            ],
        ),
        PanelSpec(
            "Garbage collections",
            "Of Python, by generation.",
            "none",
            [
                Query(
                    rate("python_gc_collections_total", "generation", OF_INSTANCE),
                    "generation {{generation}}",
                )
            ],
        ),
        PanelSpec(
            "Lines of the log that were dropped",
            "Whoever reads the log is too slow.",
            "none",
            [Query(rate("xcopa_log_lines_dropped_total", "instance", OF_INSTANCE), "{{instance}}")],
        ),
        PanelSpec(
            "Age",
            "Since the process began.",
            "s",
            [Query(f"time() - {_of('process_start_time_seconds')}", "{{instance}}")],
        ),
    ],
)

_ENGINES = RowSpec(
    "Engines",
    [
        PanelSpec(
            "Memory of engines",
            "What they share is counted in each.",
            "bytes",
            [
                Query(
                    _of("xcopa_engine_memory_bytes", "instance, engine"), "{{instance}} {{engine}}"
                )
            ],
            empty="no processes of their own",
        ),
        PanelSpec(
            "Busy",
            "The share of the time that an engine is at work.",
            "percentunit",
            [
                Query(
                    rate("xcopa_engine_busy_seconds_total", "instance, engine", OF_INSTANCE),
                    "{{instance}} {{engine}}",
                )
            ],
            empty="no processes of their own",
        ),
        PanelSpec(
            "Restarts in an hour",
            "Processes of engines, and threads that run batches.",
            "none",
            [
                Query(
                    _in_an_hour("xcopa_engine_restarts_total"),
                    "{{instance}} engines",
                ),
                Query(
                    _in_an_hour("xcopa_worker_restarts_total"),
                    "{{instance}} threads",
                ),
            ],
        ),
    ],
)

_START = RowSpec(
    "Start",
    [
        PanelSpec(
            "What the start took time for",
            "",
            "s",
            [
                Query(
                    _of("xcopa_start_duration_seconds", "instance, phase"), "{{instance}} {{phase}}"
                )
            ],
        ),
        PanelSpec(
            "Versions",
            "",
            "none",
            [Query(f"xcopa_build_info{{{OF_INSTANCE}}}")],
            Kind.TABLE,
        ),
        PanelSpec(
            "Cache",
            "Bytes of the answers that are kept.",
            "bytes",
            [Query(_of("xcopa_cache_bytes"), "{{instance}}")],
        ),
    ],
)

RESOURCES = DashboardSpec(
    "xcopa-resources",
    "XCOPA: resources",
    "Memory, processors, files, engines and starts.",
    [_PROCESS, _ENGINES, _START],
    choices=("instance",),
)
