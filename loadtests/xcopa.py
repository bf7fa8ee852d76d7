"""The locustfile: people and programs that ask in all twelve languages.

    locust -f loadtests/xcopa.py --headless -u 16 -t 30s

If the service needs an API key, XCOPA_API_KEY holds it.

They send single questions to either model, comparisons of both, and batches. An answer that is not
sound counts as a failure, whatever its status.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from locust import FastHttpUser, constant, events, task
from locust.env import Environment
from locust.runners import WorkerRunner

# locust loads this file by path, so the project's root is not on Python's path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.errors import StartError
from app.keys.own_key import own_key
from app.settings import VARIANTS
from loadtests.items import ItemFields, load_items
from loadtests.readiness import why_not
from loadtests.soundness import is_batch, is_comparison, is_prediction

_DATA = os.environ.get("XCOPA_DATA_DIR")
ITEMS = load_items(Path(_DATA) if _DATA else None)
BATCH = 8
try:
    KEY = own_key(None, os.environ)
except StartError as error:
    sys.exit(str(error))
HEADERS = {} if KEY is None else {"Authorization": f"Bearer {KEY}"}
LONGEST_SAID = 200
"""Characters of an answer that a failure repeats."""


def any_item() -> ItemFields:
    """Draw a language first, so that each is asked in as often as the others."""
    language = random.choice(list(ITEMS))  # noqa: S311 - load, not secrets
    return random.choice(ITEMS[language])  # noqa: S311


@events.init.add_listener
def check_service(environment: Environment, **_: object) -> None:
    """End a run that has nothing to measure with one line. (The page asks for its host later.)"""
    options = environment.parsed_options
    if isinstance(environment.runner, WorkerRunner) or options is None or not options.headless:
        return
    if reason := why_not(environment.host or XcopaUser.host):
        sys.exit(reason)


class XcopaUser(FastHttpUser):  # type: ignore[misc]
    """Asks again as soon as it is answered."""

    host = "http://127.0.0.1:8000"
    wait_time = constant(0)

    @task(8)
    def predict(self) -> None:
        model = random.choice(VARIANTS)  # noqa: S311
        self._post("/predict/xcopa", {**any_item(), "model": model}, is_prediction)

    @task(1)
    def compare(self) -> None:
        self._post("/compare/xcopa", any_item(), is_comparison)

    @task(1)
    def batch(self) -> None:
        items = [any_item() for _ in range(BATCH)]
        self._post("/predict/xcopa/batch", {"items": items}, partial(is_batch, size=BATCH))

    def _post(self, path: str, body: dict[str, Any], is_sound: Callable[[Any], bool]) -> None:
        asked = self.client.post(path, json=body, headers=HEADERS, catch_response=True)
        with asked as response:
            if failure := _failure(response, is_sound):
                response.failure(failure)


def _failure(response: Any, is_sound: Callable[[Any], bool]) -> str | None:
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
    return None if is_sound(answer) else f"not a sound answer: {said}"
