"""The files behind a source: found, checked before they are loaded, and hashed."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest

from app.engine.prompt import Prompt
from app.errors import StartError
from app.weights import checkpoint
from app.weights.checkpoint import Checkpoint, locate
from app.weights.embedded import EMBEDDED_BASE
from tests import tiny
from tests.app.weights.rewriting import configure


def found(directory: Path) -> Checkpoint:
    return locate(str(directory), Path())


def test_a_full_checkpoint_stands_alone(tiny_direct: Path) -> None:
    located = found(tiny_direct)
    assert located == Checkpoint(str(tiny_direct), full=tiny_direct)
    assert located.own == tiny_direct
    assert located.directories == (tiny_direct,)


def test_an_adapter_stands_on_the_base_that_it_names(tmp_path: Path) -> None:
    base = tiny.headless(tmp_path / "base")
    directory = tiny.adapter(tmp_path / "adapter", base)
    located = found(directory)
    assert located == Checkpoint(str(directory), full=base, adapter=directory)
    assert located.own == directory
    assert located.directories == (base, directory)


def test_an_adapter_may_name_the_embedded_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tiny.headless(tmp_path / "base")
    directory = tiny.adapter(tmp_path / "adapter", base)
    config = json.loads((directory / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = EMBEDDED_BASE
    (directory / "adapter_config.json").write_text(json.dumps(config))
    monkeypatch.setattr(checkpoint, "ensure_base", {tmp_path / "cache": base}.__getitem__)
    assert locate(str(directory), tmp_path / "cache").full == base


def test_the_embedded_base_is_a_source_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tiny.headless(tmp_path / "base")
    monkeypatch.setattr(checkpoint, "ensure_base", lambda cache_dir: base)
    assert locate(EMBEDDED_BASE, tmp_path) == Checkpoint(EMBEDDED_BASE, full=base)


def test_the_adapters_own_tokenizer_comes_first(tmp_path: Path) -> None:
    base = tiny.headless(tmp_path / "base")
    directory = tiny.adapter(tmp_path / "adapter", base)
    assert found(directory).tokenizer_file == base / "tokenizer.json"
    (directory / "tokenizer.json").write_text("{}", encoding="utf-8")
    assert found(directory).tokenizer_file == directory / "tokenizer.json"


def test_the_revision_follows_what_changes_an_answer_and_nothing_else(tmp_path: Path) -> None:
    one = tiny.multiple_choice(tmp_path / "one", seed=1)
    same = tiny.multiple_choice(tmp_path / "same", seed=1)
    (same / "README.md").write_text("A model card.", encoding="utf-8")
    other = tiny.multiple_choice(tmp_path / "other", seed=2)
    revisions = [found(directory).revision() for directory in (one, same, other)]
    assert revisions[0] == revisions[1] != revisions[2]


def test_a_changed_adapter_scale_is_another_revision(tmp_path: Path) -> None:
    directory = tiny.adapter(tmp_path / "adapter", tiny.headless(tmp_path / "base"))
    before = found(directory).revision()
    config = json.loads((directory / "adapter_config.json").read_text())
    config["lora_alpha"] *= 2
    (directory / "adapter_config.json").write_text(json.dumps(config))
    assert found(directory).revision() != before


def changes_the_revision(directory: Path, name: str, content: str) -> bool:
    before = found(directory)
    state, revision = before.state(), before.revision()
    (directory / name).write_text(content, encoding="utf-8")
    after = found(directory)
    assert (after.state() != state) == (after.revision() != revision)
    return after.revision() != revision


def prompt(**words: str) -> str:
    return json.dumps({"prompt": {**asdict(Prompt()), **words}})


def test_another_configuration_is_another_revision(tmp_path: Path) -> None:
    directory = tiny.multiple_choice(tmp_path)
    config = json.loads((directory / "config.json").read_text())
    assert changes_the_revision(directory, "config.json", json.dumps({**config, "a": 1}))


@pytest.mark.parametrize("change", [{"prompt": {"order": "cause-first"}}, {"temperature": 2.0}])
def test_what_may_be_left_out_counts_where_it_is_there(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    directory = tiny.multiple_choice(tmp_path)
    content = json.loads(prompt(**change.pop("prompt", {})))
    assert changes_the_revision(directory, "xcopa.json", json.dumps({**content, **change}))


def test_every_field_of_a_prompt_is_part_of_the_revision() -> None:
    assert {each.name for each in fields(Prompt)} == {"cause", "effect", "order"}


@pytest.mark.parametrize("field", ["cause", "effect"])
def test_another_prompt_is_another_revision(tmp_path: Path, field: str) -> None:
    directory = tiny.multiple_choice(tmp_path)
    assert changes_the_revision(directory, "xcopa.json", prompt(**{field: "Why?"}))
    assert changes_the_revision(directory, "xcopa.json", prompt(**{field: "Why so?"}))


def test_the_default_prompt_is_the_same_revision_however_it_is_said(tmp_path: Path) -> None:
    directory = tiny.multiple_choice(tmp_path)
    (directory / "xcopa.json").unlink(missing_ok=True)
    before = found(directory).revision()
    for content in (prompt(), json.dumps(json.loads(prompt()), indent=7)):
        (directory / "xcopa.json").write_text(content, encoding="utf-8")
        assert found(directory).revision() == before


def test_another_tokenizer_is_another_revision_also_beside_an_adapter(tmp_path: Path) -> None:
    base = tiny.headless(tmp_path / "base")
    directory = tiny.adapter(tmp_path / "adapter", base)
    own = json.loads((base / "tokenizer.json").read_text("utf-8"))
    assert changes_the_revision(base, "tokenizer.json", json.dumps({**own, "version": "2"}))
    assert changes_the_revision(directory, "tokenizer.json", json.dumps({**own, "version": "3"}))


def test_a_prompt_and_a_tokenizer_are_told_apart(tmp_path: Path) -> None:
    directory = tiny.multiple_choice(tmp_path)
    revisions = {found(directory).revision()}
    assert changes_the_revision(directory, "tokenizer.json", "{}")
    revisions.add(found(directory).revision())
    assert changes_the_revision(directory, "xcopa.json", prompt(cause="Why?"))
    revisions.add(found(directory).revision())
    assert len(revisions) == 3


def test_the_tokenizers_settings_are_no_part_of_the_revision(tmp_path: Path) -> None:
    directory = tiny.multiple_choice(tmp_path)
    before = found(directory).revision()
    (directory / "tokenizer_config.json").write_text("{}", encoding="utf-8")
    assert found(directory).revision() == before


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[]", "is not a JSON object"),
        ("not JSON", "is not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("{}", "names no base model"),
    ],
)
def test_an_adapter_config_that_names_no_base_is_named(
    tmp_path: Path, content: str, reason: str
) -> None:
    (path := tmp_path / "adapter_config.json").write_text(content, encoding="utf-8")
    with pytest.raises(StartError) as stopped:
        found(tmp_path)
    assert str(stopped.value) == f"{path} {reason}"


@pytest.mark.parametrize("base", ["owner/name", "~/base", "base"])
def test_a_base_is_a_hub_id_unless_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    """With the revision that the adapter asks for, which a directory does not have."""
    adapter = tiny.adapter(tmp_path / "adapter", tiny.headless(tmp_path / "base"))
    configure(adapter / "adapter_config.json", base_model_name_or_path=base, revision="v1")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    asked: list[str] = []

    def resolve(source: str) -> Path:
        asked.append(source)
        return tmp_path / "base" if len(asked) > 1 else adapter

    monkeypatch.setattr(checkpoint, "resolve", resolve)
    found(adapter)
    assert asked[1:] == ["owner/name@v1" if base == "owner/name" else base]


@pytest.mark.parametrize("base", [EMBEDDED_BASE, "owner/name@v2"])
def test_a_base_that_states_its_revision_is_asked_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    adapter = tiny.adapter(tmp_path / "adapter", tiny.headless(tmp_path / "base"))
    configure(adapter / "adapter_config.json", base_model_name_or_path=base, revision="v1")
    asked = {str(adapter): adapter, "owner/name@v2": tmp_path / "base"}
    monkeypatch.setattr(checkpoint, "resolve", asked.__getitem__)
    monkeypatch.setattr(checkpoint, "ensure_base", lambda cache_dir: tmp_path / "base")
    assert found(adapter).full == tmp_path / "base"


@pytest.mark.parametrize("source", ["/nowhere/at/all", "./missing"])
def test_a_directory_that_is_missing_is_said_to_be(source: str) -> None:
    with pytest.raises(StartError) as stopped:
        locate(source, Path())
    assert str(stopped.value) == f"'{source}' is not a directory: there is nothing there"
