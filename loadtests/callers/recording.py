"""Keeps every latency of a run, unrounded, and says at its end what came of it.

Workers send their histograms to the master with locust's own figures.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests.callers.options import option
from loadtests.callers.record import RouteLatencies, RunRecord, report_of, verdict
from loadtests.callers.scenario_answer import ScenarioAnswer, exit_status
from loadtests.callers.users import HOST
from loadtests.scrape import scrape

_STEP_S, _STEP_OF_WORKERS_S = 1.0, 3.0
"""Workers report every three seconds."""

_KEY = "xcopa_latencies"


RECORD = RunRecord()

RunQuestion = Callable[[RunRecord], ScenarioAnswer]
QUESTIONS: list[RunQuestion] = []
"""Of the scenario; each is answered at the end of a run."""


def ask(*questions: RunQuestion) -> None:
    """Have questions answered, printed and reported at the end of each run."""
    QUESTIONS.extend(questions)


@events.request.add_listener
def keep(name: str, response_time: float, exception: object, **_: object) -> None:
    """Keep a latency; locust gives it in milliseconds."""
    RECORD.lately.record(name, response_time / 1000, exception is not None)


@events.report_to_master.add_listener
def send(client_id: str, data: dict[str, Any]) -> None:
    """Send what a worker has recorded since its last report."""
    del client_id
    data[_KEY], RECORD.lately = RECORD.lately.to_wire(), RouteLatencies()


@events.worker_report.add_listener
def receive(client_id: str, data: dict[str, Any]) -> None:
    """Count what a worker has recorded."""
    del client_id
    if _KEY in data:
        RECORD.lately.add(RouteLatencies.of_wire(data[_KEY]))


@events.test_start.add_listener
def begin(environment: Environment, **_: object) -> None:
    """Begin a record."""
    RECORD.restart()
    if isinstance(environment.runner, WorkerRunner):
        return
    step = _STEP_OF_WORKERS_S if isinstance(environment.runner, MasterRunner) else _STEP_S
    gevent.spawn(_keep_noting, environment, step)


def _keep_noting(environment: Environment, step: float) -> None:
    while environment.runner.state not in ("stopping", "stopped", "quit"):
        _note(environment)
        gevent.sleep(step)


def _note(environment: Environment) -> None:
    RECORD.note(scrape(environment.host or HOST), environment.runner.user_count)


@events.test_stop.add_listener
def keep_report(environment: Environment, **_: object) -> None:
    """Write the report of a run of the page, which may start others after it."""
    options = environment.parsed_options
    if options is None or options.headless or isinstance(environment.runner, WorkerRunner):
        return
    _note(environment)
    _write(options, verdict(RECORD, option(options, "p99_ms", 0.0))[0], _answers())


@events.quitting.add_listener
def end(environment: Environment, **_: object) -> None:
    """Print the verdict and the answers of the scenario, and write the report."""
    if isinstance(environment.runner, WorkerRunner) or environment.runner is None:
        return
    _note(environment)
    options = environment.parsed_options
    bound = option(options, "p99_ms", 0.0)
    said, is_good = verdict(RECORD, bound)
    answers = _answers()
    for line in (said, *answers):
        _say(str(line))
    status = exit_status(answers) if is_good else 1
    if status and environment.process_exit_code is None:
        environment.process_exit_code = status
    _write(options, said, answers)


def _answers() -> list[ScenarioAnswer]:
    return [question(RECORD) for question in QUESTIONS]


def _write(options: Any, said: str, answers: Sequence[ScenarioAnswer]) -> None:
    if folder := getattr(options, "report", ""):
        try:
            report_of(RECORD, said, answers).write(Path(folder))
        except OSError as error:
            _say(f"--report {folder}: {error}")


def _say(line: str) -> None:
    """Not to the output: with ``--json`` that is locust's figures alone."""
    print(line, file=sys.stderr)  # noqa: T201
