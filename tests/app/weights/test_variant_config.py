"""How a variant is asked, and how sure its answers are, travels with its weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.engine.prompt import Prompt
from app.errors import StartError
from app.weights.variant_config import VARIANT_CONFIG, VariantConfig

FORM = (
    'must hold {"prompt": {"cause": "...", "effect": "...", "order": "premise-first" or '
    '"cause-first"}, "temperature": a number above 0}; order and temperature may be left out: '
)
WORDS = '"prompt": {"cause": "Why?", "effect": "So?"}'


@pytest.mark.parametrize(
    "config",
    [
        VariantConfig(Prompt(cause="Why, «so»?", effect="结果?")),
        VariantConfig(Prompt("", "", "cause-first"), 2.5),
        VariantConfig(temperature=0.5),
    ],
)
def test_what_is_stored_is_read_again(tmp_path: Path, config: VariantConfig) -> None:
    config.save(tmp_path)
    assert VariantConfig.load(tmp_path) == config


def test_a_checkpoint_without_the_file_gets_the_default_words(tmp_path: Path) -> None:
    assert VariantConfig.load(tmp_path) == VariantConfig(Prompt(), 1.0)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b'{"prompt": {"cause": "Why?"}}',
        b'{"prompt": "Why?"}',
        '{"prompt": "é"}'.encode("latin-1"),
        b'{"prompt": {"cause": "Why?", "effect": "So?", "order": "random"}}',
        b'{"prompt": {"cause": "Why?", "effect": "So?", "order": []}}',
        *(
            f'{{{WORDS}, "temperature": {wrong}}}'.encode()
            for wrong in ("0", "-1", "NaN", "Infinity", '"2"', "true", "null")
        ),
    ],
)
def test_a_broken_file_stops_the_start_and_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / VARIANT_CONFIG).write_bytes(content)
    with pytest.raises(StartError) as stopped:
        VariantConfig.load(tmp_path)
    assert str(stopped.value).startswith(f"{tmp_path / VARIANT_CONFIG} {FORM}")
    assert repr(stopped.value.__cause__) in str(stopped.value)


def test_an_order_that_is_none_is_quoted(tmp_path: Path) -> None:
    content = '{"prompt": {"cause": "Why?", "effect": "So?", "order": "random"}}'
    (tmp_path / VARIANT_CONFIG).write_text(content, encoding="utf-8")
    with pytest.raises(StartError, match="order is 'random'"):
        VariantConfig.load(tmp_path)


def test_what_may_be_left_out_is_not_written(tmp_path: Path) -> None:
    VariantConfig(Prompt("Why?", "So?")).save(tmp_path)
    assert (tmp_path / VARIANT_CONFIG).read_text(encoding="utf-8").splitlines() == [
        "{",
        '  "prompt": {',
        '    "cause": "Why?",',
        '    "effect": "So?"',
        "  }",
        "}",
    ]


def test_all_of_it_is_written_where_it_is_not_the_default() -> None:
    assert VariantConfig(Prompt("", "", "cause-first"), 2).content() == {
        "prompt": {"cause": "", "effect": "", "order": "cause-first"},
        "temperature": 2,
    }


def test_words_that_others_stored_as_utf_8_are_read(tmp_path: Path) -> None:
    text = '{"prompt": {"cause": "为什么?", "effect": "结果?"}, "temperature": 3}'
    for encoding in ("utf-8", "utf-8-sig"):
        (tmp_path / VARIANT_CONFIG).write_bytes(text.encode(encoding))
        assert VariantConfig.load(tmp_path) == VariantConfig(Prompt("为什么?", "结果?"), 3.0)
