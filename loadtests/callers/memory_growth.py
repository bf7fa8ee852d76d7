"""Whether the service's memory grows in a long run. Importing it has locust look."""

from __future__ import annotations

import sys

import gevent
from locust import events
from locust.env import Environment
from locust.runners import WorkerRunner

from loadtests.callers.growth import growth_of
from loadtests.callers.users import HOST
from loadtests.scrape import scrape

MOST = 1.02
_STEP_S = 2.0
_RESIDENT = "process_resident_memory_bytes"

READINGS: list[float] = []
"""Bytes, every two seconds."""


@events.test_start.add_listener
def begin(environment: Environment, **_: object) -> None:
    """Begin to read."""
    READINGS.clear()
    if not isinstance(environment.runner, WorkerRunner):
        gevent.spawn(_keep_reading, environment)


def _keep_reading(environment: Environment) -> None:
    while environment.runner.state not in ("stopping", "stopped", "quit"):
        seen = scrape(environment.host or HOST)
        if _RESIDENT in seen:
            READINGS.append(seen[_RESIDENT])
        gevent.sleep(_STEP_S)


@events.quitting.add_listener
def end(environment: Environment, **_: object) -> None:
    """Say how much it has grown."""
    if isinstance(environment.runner, WorkerRunner):
        return
    growth = growth_of(READINGS)
    if growth is None:
        said, is_good = "memory: too short a run to say", True
    else:
        is_good = growth <= MOST
        said = f"memory: {growth:.3f} times that after a tenth of the run (bound {MOST})"
    print(f"{'PASS' if is_good else 'FAIL'}: {said}", file=sys.stderr)  # noqa: T201
    if not is_good:
        environment.process_exit_code = 1
