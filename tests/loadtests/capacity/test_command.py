"""The command on a service that answers at once, and on one that does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from loadtests.capacity import command
from loadtests.capacity.command import cli
from loadtests.capacity.live import (
    LiveTrials,
    RateTrial,
    ServiceFailedError,
    saturated_rate,
)
from loadtests.capacity.search import SearchRules, TrialDecision
from loadtests.capacity.sequential import RequestWindow, ServiceGoal
from loadtests.cases import route_cases
from loadtests.report.histogram import LatencyHistogram
from tests.loadtests.mlperf.answering import response, service
from tests.loadtests.test_cases import MIX


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments])


def sound(request: bytes) -> bytes:
    del request
    names = {"model": "stilts", "revision": "r", "request_id": "1"}
    return response({"label": 1, "probabilities": [0.2, 0.8], "logits": [0, 1], **names})


RULES = SearchRules(ServiceGoal(0.1), window_s=0.1, precision=1.0, most_s=0.5)
[CASE] = route_cases(["single"], ["stilts"], MIX, ["stilts"], count=4)


def test_requests_of_a_trial_come_at_its_rate_and_are_judged() -> None:
    with service(sound) as asked:
        trial = LiveTrials(asked, CASE, RULES, warm_up_s=0.05).attempt(300.0, 1.0)
    assert trial.rate == 300
    # On a busy machine requests are late, and two windows decide that.
    assert len(trial.moments) == len(trial.decision.windows) >= 2
    assert trial.decision.requests > 20
    assert all(each.failed == 0 for each in trial.decision.windows)
    assert len(trial.latencies) >= trial.decision.requests


def test_answers_that_are_not_sound_are_failures_and_late() -> None:
    with service(lambda _: response({"label": 1})) as asked:
        trial = LiveTrials(asked, CASE, RULES, warm_up_s=0.0).attempt(200.0, 1.0)
    assert trial.decision.holds is False
    for window in trial.decision.windows:
        assert window.failed == window.late == window.requests
    assert trial.failures.endswith(' x status 200, and not a sound answer ({"label": 1})')
    assert len(trial.latencies) == 0


def test_the_saturated_rate_is_counted_and_a_service_that_fails_is_not_measured() -> None:
    with service(sound) as asked:
        assert saturated_rate(asked, CASE, callers=2, seconds=0.1) > 0
    with (
        service(lambda _: response({}, "503 No")) as asked,
        pytest.raises(ServiceFailedError) as refused,
    ):
        saturated_rate(asked, CASE, callers=2, seconds=0)
    assert str(refused.value) == (
        "single stilts: 2 of 2 requests had no sound answer: 2 x status 503 ({})"
    )


def plant(monkeypatch: pytest.MonkeyPatch, capacity: float) -> None:
    """Have a service answer with a capacity, in requests a second."""

    def attempt(self: LiveTrials, rate: float, effect: float) -> RateTrial:
        late = 0 if rate <= capacity else 900
        decision = TrialDecision(rate <= capacity, [RequestWindow(1000, late, 0)] * 5)
        return RateTrial(rate, decision, LatencyHistogram([0.01]), {}, "engines (99%)", 0, [])

    monkeypatch.setattr("loadtests.target.why_not", lambda _: None)
    monkeypatch.setattr(command, "saturated_rate", lambda *_: 40.0)
    monkeypatch.setattr(LiveTrials, "attempt", attempt)


def test_at_least_more_than_a_service_that_never_holds_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant(monkeypatch, 0.0)
    with service(sound) as asked:
        done = run("--against", asked.url, "--variants", "stilts", "--at-least", "50")
    assert done.exit_code == 1, done.output
    assert done.stdout.startswith("FAIL: single stilts: no rate with p99 below 500 ms")


@pytest.mark.parametrize(("wanted", "status", "word"), [(0, 0, "PASS"), (99.5, 1, "FAIL")])
def test_the_command_ends_with_an_answer_and_a_report(
    wanted: float, status: int, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, 90.0)
    options = ("--variants", "stilts", "--at-least", str(wanted), "--out", str(tmp_path))
    with service(sound) as asked:
        done = run("--against", asked.url, *options)
    assert done.exit_code == status, done.output
    assert done.stdout.startswith(f"{word}: single stilts: ")
    [case] = json.loads((tmp_path / "report.json").read_text("utf-8"))["cases"]
    assert 90 / 1.1 <= case["requests_per_s"] <= 90
    assert case["limit"] == "engines (99%)"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--lengths", "x"], "capacity: --lengths x: 'x': it is a whole number from 1 to 64"),
        (
            ["--against", "nowhere"],
            "capacity: --against: 'nowhere' is no URL of a service; "
            "write it like http://127.0.0.1:8000",
        ),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_line(arguments: list[str], line: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.output.splitlines() == [line]


def test_an_unknown_route_says_which_there_are() -> None:
    done = run("--routes", "single,x")
    assert done.exit_code == 2
    assert "is not one of" in done.output


def test_a_variant_that_is_not_served_says_which_are() -> None:
    with service(sound) as asked:
        done = run("--against", asked.url, "--variants", "stilts,x")
    assert done.exit_code == 2
    assert done.output == "capacity: --variants stilts,x: 'x' is not one of direct, stilts\n"
