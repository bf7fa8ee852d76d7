"""The study asks both variants as the service would: also with the words of the file of models."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.engine.prompt import Prompt
from app.errors import StartError
from app.settings import Settings
from loadtests.study.answers import other_words
from loadtests.study.pair import checkpoint_of, checkpoints_of_pair
from loadtests.study.tokens import pair_tokenizer

pytestmark = pytest.mark.usefixtures("tiny_settings")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "models.toml"
    path.write_text('[models.stilts]\nprompt = { cause = "because", effect = "so" }\n')
    monkeypatch.setenv("XCOPA_MODELS_FILE", str(path))
    return path


@pytest.mark.usefixtures("file")
def test_the_words_of_the_file_were_left_out_of_the_study() -> None:
    pair = checkpoints_of_pair(Settings())
    prompts = {name: pair_tokenizer(checkpoint).prompt for name, checkpoint in pair.items()}
    assert prompts == {"direct": Prompt(), "stilts": Prompt("because", "so")}
    assert other_words(prompts["stilts"]) == Prompt()


def test_a_source_that_only_the_file_names_is_found(
    file: Path, tiny_direct: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XCOPA_MODELS__STILTS")
    file.write_text(f'[models.stilts]\nsource = "{tiny_direct}"\n')
    assert checkpoint_of("stilts", Settings()).full == tiny_direct


def test_a_variant_that_is_left_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XCOPA_MODELS__DIRECT", "none")
    with pytest.raises(StartError, match="the settings leave direct out"):
        checkpoints_of_pair(Settings())
