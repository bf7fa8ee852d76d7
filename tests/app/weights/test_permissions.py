"""Files that the user may not read were a traceback; they are one line that names the path."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import constants

from app.errors import StartError
from app.weights import hub
from app.weights.variant import load_variants
from tests import tiny
from tests.app.weights.hub_stand_in import REPOSITORY, StandInHub
from tests.unprivileged import unprivileged


def refusal(source: Path) -> str:
    with unprivileged(), pytest.raises(StartError) as stopped:
        load_variants({"direct": str(source)}, Path())
    message = str(stopped.value)
    assert "\n" not in message
    assert message.startswith("XCOPA_MODELS__DIRECT: cannot read")
    return message


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "tokenizer.json", "xcopa.json"]
)
def test_a_file_of_a_model_that_may_not_be_read_is_named(tmp_path: Path, name: str) -> None:
    directory = tiny.multiple_choice(tmp_path)
    (directory / "xcopa.json").write_text('{"prompt": {"cause": "", "effect": ""}}')
    (directory / name).chmod(0)
    assert f"{directory / name}: Permission denied; let the user" in refusal(directory)


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_file_of_an_adapter_that_may_not_be_read_is_named(tmp_path: Path, name: str) -> None:
    directory = tiny.adapter(tmp_path / "adapter", tiny.headless(tmp_path / "base"))
    (directory / name).chmod(0)
    assert f"{directory / name}: Permission denied; let the user" in refusal(directory)


def test_a_directory_that_may_not_be_entered_is_named(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir()
    inside = tiny.multiple_choice(tmp_path / "closed" / "model")
    adapter = tiny.adapter(tmp_path / "adapter", inside)
    (tmp_path / "closed").chmod(0)
    try:
        for source in (inside, adapter):
            assert f"cannot read {inside}: Permission denied" in refusal(source)
    finally:
        (tmp_path / "closed").chmod(0o755)


def test_a_directory_that_is_locked_itself_is_named(tmp_path: Path) -> None:
    directory = tiny.multiple_choice(tmp_path / "model")
    directory.chmod(0)
    try:
        assert f"cannot read {directory}" in refusal(directory)
    finally:
        directory.chmod(0o755)


def test_a_cache_that_may_not_be_written_is_one_clear_line(
    stand_in: type[StandInHub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache := tmp_path / "home").mkdir(mode=0o555)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    with unprivileged(), pytest.raises(StartError) as stopped:
        hub.resolve(REPOSITORY)
    place = cache / f"models--{REPOSITORY.replace('/', '--')}"
    assert str(stopped.value) == (
        f"cannot keep '{REPOSITORY}' at {place}: Permission denied; set HF_HOME to a folder that "
        f"can be written (the cache is {cache})"
    )


def test_a_full_cache_that_may_not_be_written_serves_what_it_holds(
    stand_in: type[StandInHub],
) -> None:
    before = hub.resolve(REPOSITORY)
    cache = Path(constants.HF_HUB_CACHE)
    folders = [cache, *(path for path in cache.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        with unprivileged():
            assert hub.resolve(REPOSITORY) == before
    finally:
        for folder in folders:
            folder.chmod(0o755)
