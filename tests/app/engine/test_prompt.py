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


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"prompt": {"cause": "Why?"}}', '{"prompt": "é"}'.encode("latin-1")]
)
def test_a_broken_prompt_file_stops_the_start_and_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / PROMPT_FILE).write_bytes(content)
    with pytest.raises(StartError) as stopped:
        Prompt.load(tmp_path)
    said = f'{tmp_path / PROMPT_FILE} must hold {{"prompt": {{"cause": "...", "effect": "..."}}}}: '
    assert str(stopped.value).startswith(said)
    assert repr(stopped.value.__cause__) in str(stopped.value)


def test_an_empty_word_leaves_the_choice_alone() -> None:
    assert Prompt(cause="", effect="So?").ask("cause", "It rained.") == "It rained."


def test_the_file_is_indented_and_ends_with_a_line(tmp_path: Path) -> None:
    Prompt("Why?", "So?").save(tmp_path)
    assert (tmp_path / PROMPT_FILE).read_text(encoding="utf-8").splitlines() == [
        "{",
        '  "prompt": {',
        '    "cause": "Why?",',
        '    "effect": "So?"',
        "  }",
        "}",
    ]


def test_words_that_others_stored_as_utf_8_are_read(tmp_path: Path) -> None:
    text = '{"prompt": {"cause": "为什么?", "effect": "结果?"}}'
    for encoding in ("utf-8", "utf-8-sig"):
        (tmp_path / PROMPT_FILE).write_bytes(text.encode(encoding))
        assert Prompt.load(tmp_path) == Prompt("为什么?", "结果?")


def test_a_question_is_asked_in_its_own_words() -> None:
    prompt = Prompt("Why?", "So?")
    assert prompt.ask("cause", "It rained.") == "Why? It rained."
    assert prompt.ask("effect", "It rained.") == "So? It rained."
    assert Prompt().ask("cause", "X") == "What was the cause? X"
    assert Prompt().ask("effect", "X") == "What happened as a result? X"
