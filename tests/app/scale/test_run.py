"""What the command takes away, what it leaves, and what it says. Ray is a stand-in here."""

from __future__ import annotations

import logging
import queue
import signal
from typing import Any

import pytest

from app.scale import run
from app.scale.options import ScaleOptions
from app.settings import Settings
from tests.app.scale.ray_stand_in import (
    RayServeException,
    RayTaskError,
    StandInRay,
    StandInServe,
    application,
)

RUNNING = application("RUNNING", running=1)
FAILED = application("DEPLOY_FAILED", message="x\napp.errors.StartError: XCOPA_MODELS__A: gone")
OURS = {"host": "127.0.0.1", "port": 8000, "ssl_certfile": None, "ssl_keyfile": None}
SAME = {**OURS, "request_timeout_s": 31.0, "keep_alive_timeout_s": 75}


class Command:
    """The command, which is told to stop once it is ready."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.variables: dict[str, str] = {}
        """That the replicas were given."""
        self.one_node = False
        self._patch = patch
        patch.setattr(run, "queue_signals", self._signals)
        patch.setattr(run, "application", self._application)

    def __call__(self, serve: StandInServe, address: str = "head:6379", **settings: Any) -> int:
        """Run it against a cluster, and return its exit status."""
        self._patch.setenv("RAY_ADDRESS", address)
        self._patch.setattr(run, "join", lambda _: StandInRay(serve))
        return run.serve_on_ray(Settings.model_validate(settings), ScaleOptions())

    def _signals(self) -> queue.SimpleQueue[int]:
        signals: queue.SimpleQueue[int] = queue.SimpleQueue()
        signals.put(signal.SIGTERM)
        return signals

    def _application(
        self, _settings: Settings, _options: ScaleOptions, variables: Any, *, one_node: bool
    ) -> str:
        self.variables, self.one_node = dict(variables), one_node
        return "the application"


@pytest.fixture
def serve_on(monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(monkeypatch)


def test_what_it_deployed_it_takes_away_and_serve_too_where_it_has_started_it(
    serve_on: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    serve = StandInServe(None, RUNNING)
    assert serve_on(serve) == 0
    assert serve.calls == ["start", "run", "delete", "shut down Serve", "leave"]
    said = capsys.readouterr().out
    assert said.startswith("xcopa is ready: http://127.0.0.1:8000 (on Ray Serve, on each node")


def test_serve_stays_where_it_ran_before_or_somebody_else_uses_it(serve_on: Command) -> None:
    before = StandInServe(SAME, RUNNING)
    assert serve_on(before) == 0
    assert before.calls == ["start", "run", "delete", "leave"]
    used = StandInServe(None, RUNNING, {"other": RUNNING})
    assert serve_on(used) == 0
    assert used.calls == ["start", "run", "delete", "leave"]


@pytest.mark.parametrize("address", ["", " ", "local"])
def test_an_empty_address_is_a_cluster_of_this_machine(
    serve_on: Command, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    serve = StandInServe(None, RUNNING)
    assert serve_on(serve, address) == 0
    assert (serve_on.variables, serve_on.one_node) == ({}, True)
    assert serve.calls == ["start", "run", "delete", "leave"], "its cluster ends with it"
    assert capsys.readouterr().out.endswith("(on Ray Serve)\n")


def test_a_service_that_drains_for_longer_than_serve_waits_is_waited_for(serve_on: Command) -> None:
    serve = StandInServe(SAME, RUNNING)
    serve.slow_to_drain = 2
    assert serve_on(serve) == 0
    assert serve.calls == ["start", "run", "delete", "delete", "delete", "leave"]


def test_a_deployment_that_failed_on_a_shared_cluster_is_not_left_there(
    serve_on: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    serve = StandInServe(None, FAILED)
    assert serve_on(serve) == 1
    assert serve.calls == ["start", "run", "delete", "shut down Serve", "leave"]
    assert serve.applications == {}
    assert capsys.readouterr().err == "xcopa cannot start: XCOPA_MODELS__A: gone\n"


@pytest.mark.parametrize(
    "there",
    [RUNNING, application("DEPLOYING"), application("DEPLOY_FAILED", running=1)],
    ids=["running", "starting", "update failed, old replicas serve"],
)
def test_a_service_that_somebody_else_deployed_is_left_alone(
    serve_on: Command, there: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    serve = StandInServe(SAME, RUNNING, {"xcopa": there})
    assert serve_on(serve) == 1
    assert serve.calls == ["leave"]
    assert serve.applications == {"xcopa": there}
    said = capsys.readouterr().err
    assert "an application named xcopa is on this cluster already" in said
    assert "`serve deploy` changes it" in said


def test_what_has_failed_there_and_serves_nobody_is_replaced(serve_on: Command) -> None:
    serve = StandInServe(SAME, RUNNING, {"xcopa": FAILED})
    assert serve_on(serve) == 0


def test_no_address_is_called_ready_at_which_serve_does_not_listen(
    serve_on: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    serve = StandInServe({**SAME, "host": "0.0.0.0", "port": 80}, RUNNING)  # noqa: S104
    assert serve_on(serve) == 1
    assert serve.calls == ["leave"]
    output = capsys.readouterr()
    assert "ready" not in output.out
    assert "set XCOPA_HOST=0.0.0.0 XCOPA_PORT=80 and no XCOPA_SSL_CERTFILE" in output.err


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (RayTaskError(RuntimeError("Failed to bind\nto 8000")), "Failed to bind to 8000"),
        (RayTaskError(RayServeException("Prefix / is used by 'a'")), "Prefix / is used by 'a'"),
        (TimeoutError("HTTP proxies not available"), "HTTP proxies not available"),
        (RayServeException("no"), "no"),
    ],
)
def test_what_serve_refuses_is_one_line_and_nothing_is_left(
    serve_on: Command, error: Exception, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    serve = StandInServe(None, error)
    assert serve_on(serve) == 1
    assert serve.calls == ["start", "run", "shut down Serve", "leave"]
    assert capsys.readouterr().err == f"xcopa cannot start: Ray Serve: {says}\n"


def test_secrets_are_named_and_not_deployed_on_a_shared_cluster(
    serve_on: Command, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("XCOPA_THREADS", "2")
    serve = StandInServe(None, RUNNING)
    with caplog.at_level(logging.WARNING):
        assert serve_on(serve) == 0
    assert not serve_on.one_node
    assert serve_on.variables["XCOPA_THREADS"] == "2"
    assert "HF_TOKEN" not in serve_on.variables
    [line] = [each.getMessage() for each in caplog.records if "HF_TOKEN" in each.getMessage()]
    assert "set it on every node before `ray start`" in line
    assert "hf_secret" not in caplog.text


def test_a_password_that_the_dashboard_would_show_is_refused_on_a_shared_cluster(
    serve_on: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    tls = {"ssl_certfile": "both.pem", "ssl_keyfile_password": "secret"}
    serve = StandInServe(None, RUNNING)
    assert serve_on(serve, **tls) == 1
    assert serve.calls == []
    said = capsys.readouterr().err
    assert "XCOPA_SSL_KEYFILE_PASSWORD: everybody who reaches Ray's dashboard" in said
    assert "secret" not in said
    assert serve_on(StandInServe(None, RUNNING), address="", **tls) == 0
