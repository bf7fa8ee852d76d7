"""The locustfile: what its users ask, and what they call a failure.

locust patches Python's sockets and threads when it is imported, so a process of its own runs it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import ROOT

# Runs each task of a user whose client answers as it is told, and prints what happened.
SCRIPT = """
import contextlib, json, sys
from locust.env import Environment
sys.argv = ["locust"]
sys.path.pop(0)
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("locustfile", "loadtests/xcopa.py")
file = module_from_spec(spec)
spec.loader.exec_module(file)

class Response:
    def __init__(self, status, answer):
        self.status_code, self.failures = status, []
        self.content = json.dumps(answer).encode()
    def failure(self, message):
        self.failures.append(message)

class Client:
    @contextlib.contextmanager
    def post(self, path, json, headers, catch_response):
        self.asked, self.response = (path, json, headers), Response(self.status, self.answer)
        yield self.response

user = file.XcopaUser(Environment())
user.client = Client()

def ask(task, status, answer):
    user.client.status, user.client.answer = status, answer
    getattr(user, task)()
    path, body, headers = user.client.asked
    failures = user.client.response.failures
    return {"path": path, "body": body, "headers": headers, "failures": failures}

cases = json.loads(sys.stdin.read())
print(json.dumps({
    "runs": [ask(*case) for case in cases],
    "drawn": [file.any_item() for _ in range(600)],
    "languages": {name: len(items) for name, items in file.ITEMS.items()},
    "weights": {task.__name__: file.XcopaUser.tasks.count(task) for task in file.XcopaUser.tasks},
    "host": user.host,
}))
"""

SOUND = {"label": 1, "probabilities": [0.25, 0.75]}
UNSOUND = {"label": 0, "probabilities": [0.25, 0.75]}
BOTH = {"direct": SOUND, "stilts": SOUND}
CASES: list[tuple[str, int, dict[str, Any]]] = [
    ("predict", 200, SOUND),
    ("compare", 200, {"predictions": BOTH, "agree": True}),
    ("batch", 200, {"predictions": [SOUND] * 8}),
    ("predict", 200, UNSOUND),
    ("compare", 200, {"predictions": BOTH, "agree": False}),
    ("batch", 200, {"predictions": [SOUND] * 7}),
    ("predict", 503, {"detail": "draining"}),
]


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    without_data = {name: value for name, value in os.environ.items() if name != "XCOPA_DATA_DIR"}
    without_data["XCOPA_API_KEY"] = "k-1\n"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env=without_data,
        input=json.dumps(CASES),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_each_task_asks_its_endpoint(found: dict[str, Any]) -> None:
    single, comparison, batch = found["runs"][:3]
    assert (single["path"], comparison["path"], batch["path"]) == (
        *("/predict/xcopa", "/compare/xcopa", "/predict/xcopa/batch"),
    )
    assert single["body"]["model"] in ("direct", "stilts")
    assert single["body"].keys() == {"premise", "choice1", "choice2", "question", "model"}
    assert len(batch["body"]["items"]) == 8


def test_every_call_brings_the_key_of_the_environment(found: dict[str, Any]) -> None:
    assert [run["headers"] for run in found["runs"]] == [{"Authorization": "Bearer k-1"}] * 7


def test_a_sound_answer_is_no_failure(found: dict[str, Any]) -> None:
    assert [run["failures"] for run in found["runs"][:3]] == [[], [], []]


def test_an_answer_that_is_not_sound_is_a_failure_whatever_its_status(
    found: dict[str, Any],
) -> None:
    for run in found["runs"][3:6]:
        [message] = run["failures"]
        assert message.startswith("not a sound answer")


def test_a_refusal_is_a_failure_that_says_why(found: dict[str, Any]) -> None:
    assert found["runs"][6]["failures"] == ['status 503: {"detail": "draining"}']


def test_most_calls_are_single_questions(found: dict[str, Any]) -> None:
    assert found["weights"] == {"predict": 8, "compare": 1, "batch": 1}


def test_all_twelve_languages_are_drawn(found: dict[str, Any]) -> None:
    assert len(found["languages"]) == 12
    # 600 draws miss one of the 24 items once in five thousand million runs.
    assert len({item["premise"] for item in found["drawn"]}) == sum(found["languages"].values())


def test_the_default_host_is_that_of_the_service(found: dict[str, Any]) -> None:
    assert found["host"] == "http://127.0.0.1:8000"
