"""One token budget for a study: as the settings say, as the folder has it, else as measured."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.settings import Settings
from loadtests.study import token_budget
from loadtests.study.errors import StudyError
from loadtests.study.setting import settle
from loadtests.study.token_budget import budget_of_study, measured_budget
from tests.loadtests.study.made import SETTING


def card(name: str, tokens: int) -> dict[str, Any]:
    return {"name": name, "batching": {"batch_tokens": tokens, "measured": []}}


def serving(monkeypatch: pytest.MonkeyPatch, content: object) -> None:
    """Stand in for a server that says so of its models."""
    answer = json.dumps(content).encode()

    @contextmanager
    def client(connections: int) -> Iterator[Any]:
        yield SimpleNamespace(get=lambda path: SimpleNamespace(read=lambda: answer))

    @contextmanager
    def study_server() -> Iterator[Any]:
        yield SimpleNamespace(client=client)

    monkeypatch.setattr(token_budget, "study_server", study_server)


def test_the_budget_is_measured_once_and_then_the_folder_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving(monkeypatch, {"models": [card("direct", 384), card("stilts", 384)]})
    assert budget_of_study(tmp_path, Settings()) == 384
    settle(tmp_path, replace(SETTING, batch_tokens=384))
    serving(monkeypatch, {"models": [card("direct", 192), card("stilts", 192)]})
    assert budget_of_study(tmp_path, Settings()) == 384


def test_a_budget_of_the_settings_is_taken(tmp_path: Path) -> None:
    settle(tmp_path, SETTING)
    assert budget_of_study(tmp_path, Settings(batch_tokens=99)) == 99


def test_of_two_shapes_and_a_model_that_is_not_compared_the_smaller_of_the_two_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models = [card("direct", 512), card("stilts", 384), card("mnli", 64)]
    serving(monkeypatch, {"models": models})
    assert measured_budget() == 384


@pytest.mark.parametrize("content", [{}, {"models": []}, {"models": [{"name": "direct"}]}])
def test_a_server_that_does_not_say_ends_the_study(
    content: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving(monkeypatch, content)
    with pytest.raises(StudyError, match="which token budget was measured"):
        measured_budget()


@pytest.mark.slow
def test_the_service_says_its_budget(embedded_base: Path) -> None:
    assert measured_budget() >= 32
