"""The users: single questions, batches, comparisons, rankings. Each answer is checked.

An answer that is not sound, or another than before, is a failed request, whatever its status.
"""

from __future__ import annotations

import json
import logging
import random
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from locust import FastHttpUser, tag, task
from locust.env import Environment
from locust.exception import StopUser

from app.errors import StartError
from loadtests import soundness
from loadtests.callers.options import mix_of, option
from loadtests.mix import MixError
from loadtests.own_headers import own_headers
from loadtests.same_answer import TOLERANCE, AnswerMemory, AskedQuestion, question_of
from loadtests.soundness import ModelAnswer

try:
    HEADERS = own_headers()
except StartError as error:
    sys.exit(str(error))
LONGEST_SAID = 200
"""Characters of an answer that a failure repeats."""

HOST = "http://127.0.0.1:8000"
MEMORY = AnswerMemory()
"""What the users of this process were answered."""

Check = Callable[[object], Sequence[ModelAnswer] | None]
"""Returns the answers of the models, or None if something is wrong."""


class LoadUser(FastHttpUser):  # type: ignore[misc]
    """Asks again as soon as it is answered, or after a pause."""

    abstract = True
    host = HOST

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._chance = random.Random()  # noqa: S311 - load, not secrets

    def on_start(self) -> None:
        """Read the options: the page may have changed them since the last run."""
        options = self.environment.parsed_options
        MEMORY.tolerance = option(options, "tolerance", TOLERANCE)
        try:
            self.mix = mix_of(options)
        except MixError as error:
            # Of the page, which shows the log: the command line was checked when it was read.
            logging.getLogger(__name__).error("%s", error)
            raise StopUser from error

    def wait_time(self) -> float:
        """Return the seconds until the next question."""
        return option(self.environment.parsed_options, "pause", 0.0)

    def _post(self, path: str, body: dict[str, Any], check: Check) -> None:
        questions = [question_of(each) for each in body.get("items", [body])]
        asked = self.client.post(path, json=body, headers=HEADERS, catch_response=True)
        with asked as response:
            if failure := failure_of(response, check, questions):
                response.failure(failure)


class SingleCaller(LoadUser):
    """Sends one question after the other."""

    weight = 8

    @tag("single")
    @task
    def predict(self) -> None:
        body = self.mix.single(self._chance)
        self._post("/predict/xcopa", body, partial(soundness.prediction, model=body["model"]))


class BatchCaller(LoadUser):
    """Sends lists of questions."""

    weight = 1

    @tag("batch")
    @task
    def batch(self) -> None:
        body = self.mix.batch(self._chance)
        check = partial(soundness.batch, size=len(body["items"]), model=body["model"])
        self._post("/predict/xcopa/batch", body, check)


class Comparer(LoadUser):
    """Asks all variants the same."""

    weight = 1

    @tag("compare")
    @task
    def compare(self) -> None:
        check = partial(soundness.comparison, variants=tuple(self.mix.variants))
        self._post("/compare/xcopa", self.mix.item(self._chance), check)


class Ranker(LoadUser):
    """Has several choices ranked."""

    weight = 1

    @tag("rank")
    @task
    def rank(self) -> None:
        body = self.mix.ranking(self._chance)
        check = partial(soundness.ranking, choices=len(body["choices"]), model=body["model"])
        self._post("/rank", body, check)


def failure_of(response: Any, check: Check, questions: Sequence[AskedQuestion]) -> str | None:
    """Return why an answer counts as a failure, or None. Nothing that it may hold raises."""
    content = response.content or b""
    said = content[:LONGEST_SAID].decode(errors="replace")
    if not response.status_code:
        return f"no answer: {response.error}"
    if response.status_code != 200:  # noqa: PLR2004
        return f"status {response.status_code}: {said}"
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return f"not JSON: {said}"
    found = check(answer)
    if found is None:
        return f"not a sound answer: {said}"
    return _contradiction(questions, found)


def _contradiction(
    questions: Sequence[AskedQuestion], answers: Sequence[ModelAnswer]
) -> str | None:
    """Compare with earlier answers; a comparison has several answers to its one question."""
    asked = questions if len(questions) == len(answers) else [questions[0]] * len(answers)
    for question, answer in zip(asked, answers, strict=True):
        if contradiction := MEMORY.contradiction(question, answer):
            return contradiction
    return None
