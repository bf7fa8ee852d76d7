"""The set-up of the log: where lines go, and that all of them go there."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import textwrap
from typing import Any

import pytest
import structlog

from app.telemetry import logs


def lines_of(program: str) -> list[dict[str, Any]]:
    """Return what a process logs whose log is set up as the service's."""
    set_up = "from app.telemetry import logs; logs.configure('info', 'json', service=True)\n"
    done = subprocess.run(
        [sys.executable, "-c", set_up + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_everything_that_a_process_says_is_one_line_of_json() -> None:
    said = lines_of(
        """
        import logging, threading, warnings
        logging.getLogger("app").info("%d models", 2)
        logging.getLogger("app").debug("not at this level")
        warnings.warn("an old name")
        def fail(): raise RuntimeError("lost")
        thread = threading.Thread(target=fail, name="worker"); thread.start(); thread.join()
        logs.about_request({"request_id": "abc"})
        logs.requests_log().info("request", status=200)
        logs.requests_log().debug("request", status=201)
        logging.getLogger("app").error("%d", "no number")
        """
    )
    assert [(each["level"], each["logger"]) for each in said] == [
        ("info", "app"),
        ("warning", "py.warnings"),
        ("error", "threading"),
        ("info", "app.requests"),
        ("error", "app.telemetry.logs"),
    ]
    assert said[0]["event"] == "2 models"
    assert "an old name" in said[1]["event"]
    assert said[2]["event"] == "the thread worker ended"
    assert said[2]["exception"].endswith("RuntimeError: lost")
    assert (said[3]["status"], said[3]["request_id"]) == (200, "abc")
    assert said[4]["event"].startswith("a record of app, line ")


def test_a_process_whose_error_stream_is_closed_runs_on_and_counts() -> None:
    program = """
        import os, sys
        os.close(2); sys.stderr = None
        from app.telemetry import logs; import logging
        logs.configure("info", "json", service=True)
        dropped = []
        logs.report_drops(dropped.append)
        logging.getLogger("app").info("nobody reads this")
        logging.getLogger().handlers[0].flush()
        print(dropped)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "[1]\n"


def test_a_command_writes_for_people_and_a_second_set_up_writes_nothing_twice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for _ in range(2):
        logs.configure("info", "console")
    logging.getLogger("models").info("a row\nof two lines")
    written = capsys.readouterr().err
    assert written.count("INFO models: a row\n    of two lines\n") == 1


def test_where_the_log_is_another_s_requests_leave_records_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    structlog.reset_defaults()
    caplog.set_level("INFO")
    log = logs.requests_log()
    log.info("request", status=200)
    log.debug("request", status=201)
    [record] = caplog.records
    assert (record.name, record.msg, record.__dict__["status"]) == (logs.REQUESTS, "request", 200)
