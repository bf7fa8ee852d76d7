"""``xcopa plan``: from its options to an answer, or to one line that names what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.e2e.server import ServerProcess
from tests.planning.examples import models_answer
from tests.xcopa.test_main import loaded
from xcopa.main import app

BRIEF = ("--requests", "300", "--runs", "2", "--whole", "8")
LIMIT_S = 180


@pytest.fixture
def curve(tmp_path: Path) -> Path:
    path = tmp_path / "models.json"
    path.write_text(json.dumps(models_answer()), encoding="utf-8")
    return path


def plan(*options: object, rate: float = 300, p99: float = 0.3, **environment: str) -> Result:
    arguments = ["plan", "--rate", rate, "--p99", p99, *BRIEF, *options]
    return CliRunner().invoke(app, list(map(str, arguments)), env=environment)


def test_the_answer_is_a_sentence_and_tables(curve: Path) -> None:
    result = plan("--curve", curve, "--replicas-down", 1)
    assert result.exit_code == 0, result.output
    first = result.stdout.splitlines()[0]
    assert "replicas with 2 engines each answer 300 requests a second with a p99 of" in first
    assert "while 1 of the replicas is down; 300 ms are wanted." in first
    for title in ("How many replicas, by their size", "1 replica lost", "under other loads"):
        assert title in result.stdout


@pytest.mark.slow
def test_the_same_options_give_the_same_answer(curve: Path) -> None:
    one, same, other = (plan("--curve", curve, "--seed", seed) for seed in (1, 1, 2))
    assert one.stdout == same.stdout != other.stdout


@pytest.mark.slow
def test_the_report_and_its_picture_are_written(curve: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "plan"
    result = plan("--curve", curve, "--out", out, "--engines", 1, "--engines", 2)
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith(f"wrote {out / 'plan.json'} and {out / 'latency.png'}\n")
    content = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    assert content["summary"] == result.stdout.splitlines()[0]
    assert [size["engines"] for size in content["sizes"]] == [1, 2]
    assert (out / "latency.png").stat().st_size > 1_000


@pytest.mark.slow
def test_options_and_settings_reach_the_simulation(curve: Path, tmp_path: Path) -> None:
    result = plan(
        *("--curve", curve, "--out", tmp_path, "--policy", "jsq", "--burst", 2, "--pace", 1.25),
        *("--front-ms", 2, "--languages", "et, ta", "--model", "stilts"),
        XCOPA_QUEUE_SECONDS="7",
        XCOPA_MAX_WAIT_MS="3",
        XCOPA_REQUEST_TIMEOUT_MS="9000",
    )
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    fleet = content["fleet"]
    assert (fleet["policy"], fleet["timeout"]) == ("jsq", 9.0)
    assert fleet["limits"] == {"queue_seconds": 7.0, "max_wait": 0.003}
    assert (fleet["speed"]["pace"], fleet["speed"]["front_seconds"]) == (1.25, 0.002)
    assert content["traffic"]["burst"] == 2.0
    assert sum(content["traffic"]["lengths"]["weights"].values()) == 16


@pytest.mark.slow
def test_longer_questions_need_more_replicas(curve: Path, tmp_path: Path) -> None:
    counts = []
    for lengths in ("50", "50:1,400:1"):
        assert not plan("--curve", curve, "--out", tmp_path, "--lengths", lengths).exit_code
        content = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
        counts.append(content["recommended"]["replicas"])
    assert counts[0] < counts[1]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--policy", "best"), "--policy: 'best' is not one of jsq, two, random"),
        (
            ("--lengths", "50:x"),
            "--lengths: '50:x' is no number of tokens with its share, such as 50:3",
        ),
        (
            ("--languages", "et,xx"),
            "--languages: 'xx' is not one of en, et, ht, id, it, qu, sw, ta, th, tr, vi, zh",
        ),
        (
            ("--languages", "et", "--lengths", "50"),
            "--lengths, --languages: both say how long requests are; give one",
        ),
        (("--burst", "-1"), "--rate, --burst: the burstiness is 0 at least"),
        (("--replicas-down", "-1"), "--p99, --replicas-down: 0 replicas at least are lost"),
        (("--runs", "1"), "--requests, --runs, --whole, --seed: there are 2 to 20 runs"),
        (("--engines", "0"), "--engines: a replica has 1 engine at least"),
        (("--pace", "0"), "--pace: the pace is above 0"),
        (("--out", "/dev/null/plan"), "--out: /dev/null/plan cannot be made: Not a directory"),
        # What follows were tracebacks, or never ended.
        (("--seed", "-1"), "--requests, --runs, --whole, --seed: the seed is 0 at least"),
        (("--lengths", "50:nan"), "--lengths: a share is 1,000,000,000 at most"),
        (("--lengths", "50:inf"), "--lengths: a share is 1,000,000,000 at most"),
        (("--lengths", "50:1e308,60:1e308"), "--lengths: a share is 1,000,000,000 at most"),
        (("--lengths", "1000001"), "--lengths: a length is 1,000,000 tokens at most"),
        (("--burst", "1e308"), "--rate, --burst: the burstiness is 100 at most"),
        (("--rate", "1e-320"), "--rate, --burst: the rate is above 0"),
        (("--pace", "1e308"), "--pace: the pace is 1,000 at most"),
        (("--engines", "9" * 20), "--engines: a replica has 1,024 engines at most"),
        (
            ("--replicas-down", "9" * 20),
            "--p99, --replicas-down: 1,000,000 replicas at most are lost",
        ),
        (("--front-ms", "-1"), "--front-ms: the time of a request in front is 0 at least"),
        (
            ("--against", "http://127.0.0.1:9", "--curve", "c"),
            "--against, --curve: both say how fast a replica is; give one",
        ),
        (("--curve", "none.json"), "--curve: none.json cannot be read: No such file or directory"),
    ],
    ids=lambda each: each if isinstance(each, str) else None,
)
def test_a_wrong_option_is_one_line_that_names_it(
    options: tuple[str, ...], line: str, curve: Path
) -> None:
    given = () if {"--curve", "--against"} & set(options) else ("--curve", curve)
    result = plan(*options, *given)
    assert result.exit_code == 1
    assert result.stderr == f"xcopa cannot go on: {line}\n"


def test_a_rate_that_no_fleet_answers_never_ended(curve: Path) -> None:
    result = plan("--curve", curve, rate=1e23)
    assert result.stderr.splitlines()[-1] == (
        "xcopa cannot go on: 1,000,000 replicas are too few for such a --rate"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "{",
            "{file} is not JSON: Expecting property name enclosed in double quotes: line 1 "
            "column 2 (char 1)",
        ),
        ("{}", "{file}: this is not what GET /models answers (KeyError: 'models')"),
    ],
)
def test_a_file_that_is_no_curve_is_named(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "curve.json"
    file.write_text(text, encoding="utf-8")
    result = plan("--curve", file)
    assert result.stderr == f"xcopa cannot go on: --curve: {problem.replace('{file}', str(file))}\n"


def test_a_goal_that_no_fleet_reaches_is_one_line(curve: Path) -> None:
    result = plan("--curve", curve, p99=0.001)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith(
        "xcopa cannot go on: --p99 0.001: on a replica of 2 engines that has nothing else to do,"
    )


def test_a_service_that_is_not_there_is_named() -> None:
    result = plan("--against", "http://127.0.0.1:9")
    expected = "xcopa cannot go on: --against: http://127.0.0.1:9 cannot be reached: "
    assert result.stderr.startswith(expected)


def test_planning_from_a_file_loads_no_torch() -> None:
    assert loaded("import xcopa.plan", "torch", "transformers", "scipy", "matplotlib") == "[]"


@pytest.fixture(scope="module")
def environment(tiny_direct: Path, tiny_stilts: Path) -> dict[str, str]:
    return {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
        "XCOPA_THREADS": "1",
        "XCOPA_LOG_LEVEL": "warning",
    }


def planned(environment: dict[str, str], out: Path, *options: str) -> dict[str, Any]:
    """Plan as a process of its own, with the times of tiny models."""
    arguments = ["plan", "--rate", "2000", "--p99", "5", *BRIEF, "--out", str(out), *options]
    done = subprocess.run(
        [sys.executable, "-m", "xcopa.main", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr
    content: dict[str, Any] = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    return content


@pytest.mark.slow
def test_a_running_service_says_how_fast_a_replica_is(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with ServerProcess(**environment) as server:
        url = server.wait_until_ready().url
        content = planned(environment, tmp_path, "--against", url)
    assert content["fleet"]["speed"]["measured"]
    assert content["recommended"]["replicas"] >= 1


@pytest.mark.slow
def test_without_a_service_the_models_are_measured_here(
    environment: dict[str, str], tmp_path: Path
) -> None:
    content = planned(environment, tmp_path)
    assert content["fleet"]["speed"]["measured"]
    assert content["fleet"]["speed"]["engines"] == 1
