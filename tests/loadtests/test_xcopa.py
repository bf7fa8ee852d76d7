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
from tests.loadtests.examples import comparison, prediction, ranking

# Runs each user, whose client answers as it is told, and prints what happened.
SCRIPT = """
import contextlib, json, sys
from argparse import Namespace
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

users = [file.SingleCaller, file.BatchCaller, file.Comparer, file.Ranker]
options = Namespace(variants="stilts", batch_sizes="3", choices="3", pause=0.5, languages="en")

def ask(kind, status, answer):
    user = getattr(file, kind)(Environment(parsed_options=options))
    user.client = Client()
    user.client.status, user.client.answer = status, answer
    user.on_start()
    user.tasks[0](user)
    path, body, headers = user.client.asked
    failures = user.client.response.failures
    return {"path": path, "body": body, "headers": headers, "failures": failures,
            "pause": user.wait_time(), "host": user.host}

cases = json.loads(sys.stdin.read())
print(json.dumps({
    "runs": [ask(*case) for case in cases],
    "weights": {user.__name__: user.weight for user in users},
}))
"""

BOTH = comparison(True, direct=1, stilts=1)
CASES: list[tuple[str, int, Any]] = [
    ("SingleCaller", 200, prediction()),
    ("BatchCaller", 200, {"predictions": [prediction()] * 3}),
    ("Comparer", 200, {"predictions": BOTH["predictions"], "agree": True}),
    ("Ranker", 200, ranking()),
    ("SingleCaller", 200, prediction(label=0)),
    ("BatchCaller", 200, {"predictions": [prediction()] * 2}),
    ("Comparer", 200, {**BOTH, "agree": False}),
    ("Ranker", 200, ranking((0, 1, 2))),
    ("SingleCaller", 503, {"detail": "draining"}),
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


def test_each_user_asks_its_route(found: dict[str, Any]) -> None:
    single, batch, comparer, ranker = found["runs"][:4]
    assert [run["path"] for run in (single, batch, comparer, ranker)] == [
        *("/predict/xcopa", "/predict/xcopa/batch", "/compare/xcopa", "/rank"),
    ]
    assert single["body"].keys() == {"premise", "choice1", "choice2", "question", "model"}
    assert single["body"]["model"] == "stilts"
    assert len(batch["body"]["items"]) == len(ranker["body"]["choices"]) == 3


def test_every_call_brings_the_key_of_the_environment(found: dict[str, Any]) -> None:
    keys = {json.dumps(run["headers"]) for run in found["runs"]}
    assert keys == {'{"Authorization": "Bearer k-1"}'}


def test_users_pause_as_long_as_the_option_says(found: dict[str, Any]) -> None:
    assert {run["pause"] for run in found["runs"]} == {0.5}


def test_a_sound_answer_is_no_failure_unless_it_contradicts_another(found: dict[str, Any]) -> None:
    failures = [message for run in found["runs"][:4] for message in run["failures"]]
    # Only the ranking answers with logits that an item of English cannot have had before.
    assert all(message.startswith("another answer than before") for message in failures)


def test_an_answer_that_is_not_sound_is_a_failure_whatever_its_status(
    found: dict[str, Any],
) -> None:
    for run in found["runs"][4:8]:
        [message] = run["failures"]
        assert message.startswith("not a sound answer")


def test_a_refusal_is_a_failure_that_says_why(found: dict[str, Any]) -> None:
    assert found["runs"][8]["failures"] == ['status 503: {"detail": "draining"}']


def test_most_users_send_single_questions(found: dict[str, Any]) -> None:
    assert found["weights"] == {"SingleCaller": 8, "BatchCaller": 1, "Comparer": 1, "Ranker": 1}


def test_the_default_host_is_that_of_the_service(found: dict[str, Any]) -> None:
    assert {run["host"] for run in found["runs"]} == {"http://127.0.0.1:8000"}
