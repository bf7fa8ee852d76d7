"""The words of the question travel with the weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.engine.prompt import PROMPT_FILE, Prompt
from app.errors import StartError


def test_a_prompt_survives_being_stored(tmp_path: Path) -> None:
    prompt = Prompt(cause="Why, «so»?", effect="结果?")
    prompt.save(tmp_path)
    assert Prompt.load(tmp_path) == prompt


def test_a_checkpoint_without_a_prompt_gets_the_default_words(tmp_path: Path) -> None:
    assert Prompt.load(tmp_path) == Prompt()


@pytest.mark.parametrize("content", ["{", "[]", '{"prompt": {"cause": "Why?"}}'])
def test_a_broken_prompt_file_stops_the_start_and_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / PROMPT_FILE).write_text(content, encoding="utf-8")
    with pytest.raises(StartError, match=PROMPT_FILE):
        Prompt.load(tmp_path)


def test_an_empty_word_leaves_the_choice_alone() -> None:
    assert Prompt(cause="", effect="So?").ask("cause", "It rained.") == "It rained."
