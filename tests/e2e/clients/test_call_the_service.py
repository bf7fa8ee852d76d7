"""Each program of the how-to page does what it says, also when it is first told to come back."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from tests.chaos.client import PREDICT, in_background
from tests.chaos.service import FaultyServer
from tests.conftest import ROOT
from tests.e2e.clients.programs import needed, output

PAGE = (ROOT / "docs" / "how-to" / "call-the-service.md").read_text(encoding="utf-8")
QUESTION = {
    "premise": "The man broke his toe.",
    "choice1": "He got a hole in his sock.",
    "choice2": "He dropped a hammer on his foot.",
    "question": "cause",
}
FILES = {"python": "ask.py", "js": "ask.mjs", "java": "Ask.java", "go": "ask.go", "sh": "ask.sh"}
LANGUAGES = tuple(FILES)


def snippets(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def command(language: str) -> Sequence[str]:
    """Return what runs a program of a language, or skip the test."""
    if language == "python":
        return [sys.executable]
    program = {"js": "node", "java": "java", "go": "go", "sh": "curl"}[language]
    found = needed(program)
    return {"go": [found, "run"], "sh": [needed("sh")]}.get(language, [found])


def run(language: str, text: str, url: str, directory: Path) -> str:
    """Run a program of the page against a service; return what it printed."""
    assert text.count("http://127.0.0.1:8000") == 1
    path = directory / FILES[language]
    path.write_text(text.replace("http://127.0.0.1:8000", url), encoding="utf-8")
    return output(*command(language), path)


def chosen(url: str) -> str:
    label = httpx.post(f"{url}/predict/xcopa", json=QUESTION).json()["label"]
    return QUESTION[f"choice{label + 1}"]


def said_choice(language: str, printed: str) -> str:
    if language != "sh":
        return printed.removesuffix("\n")
    return QUESTION[f"choice{json.loads(printed)['label'] + 1}"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_program_prints_the_choice_of_the_service(
    language: str, tiny_url: str, tmp_path: Path
) -> None:
    printed = run(language, snippets(language)[0], tiny_url, tmp_path)
    assert said_choice(language, printed) == chosen(tiny_url)


def test_the_batch_program_finds_the_one_bad_item(tiny_url: str, tmp_path: Path) -> None:
    one, many = snippets("python")
    printed = run("python", one + many, tiny_url, tmp_path).splitlines()
    assert printed[0] == chosen(tiny_url)
    [bad] = printed[1:]
    assert "must not be blank" in bad


def test_the_ranking_is_an_order_of_all_choices(tiny_url: str, tmp_path: Path) -> None:
    _, ranking = snippets("sh")
    ranked = json.loads(run("sh", ranking, tiny_url, tmp_path))
    assert sorted(ranked["order"]) == [0, 1, 2]


def test_the_limits_are_the_defaults_of_the_settings() -> None:
    fields = Settings.model_fields
    assert f"{fields['max_batch_items'].default} items (`XCOPA_MAX_BATCH_ITEMS`)" in PAGE
    assert f"{fields['max_body_bytes'].default:,} bytes (`XCOPA_MAX_BODY_BYTES`)" in PAGE


# A service that is too busy at first -------------------------------------------------------------


@pytest.fixture
def busy(tiny_direct: Path, tiny_stilts: Path, tmp_path: Path) -> Iterator[FaultyServer]:
    """A service whose engine can be stuck, and whose queue is short."""
    settings = {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
        "XCOPA_QUEUE_SECONDS": "0.1",
    }
    with FaultyServer(tmp_path, settings) as server:
        server.wait_until_ready()
        yield server


@pytest.mark.slow
def test_every_program_waits_for_the_time_it_is_told_and_asks_again(
    busy: FaultyServer, tmp_path: Path
) -> None:
    for language in LANGUAGES:
        command(language)
    waiting = [busy.hold_engine()]
    while not busy.responses(PREDICT, HTTPStatus.TOO_MANY_REQUESTS):
        caller = f"caller-{len(waiting)}"
        waiting.append(in_background(busy.call, PREDICT, QUESTION, X_API_Key=caller))
    refused = busy.responses(PREDICT, HTTPStatus.TOO_MANY_REQUESTS)

    def ask(language: str) -> str:
        directory = tmp_path / language
        directory.mkdir()
        printed = run(language, snippets(language)[0], busy.url, directory)
        return said_choice(language, printed)

    with ThreadPoolExecutor(len(LANGUAGES)) as pool:
        asked = {language: pool.submit(ask, language) for language in LANGUAGES}
        busy.wait_for_responses(PREDICT, HTTPStatus.TOO_MANY_REQUESTS, refused + len(LANGUAGES))
        busy.faults.clear()
        said = {language: each.result() for language, each in asked.items()}
    assert {each.result().status for each in waiting} == {HTTPStatus.OK, 429}
    assert said == dict.fromkeys(LANGUAGES, chosen(busy.url))
