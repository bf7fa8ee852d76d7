"""An exported model is the served one, for transformers and for this service."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForMultipleChoice, AutoTokenizer

from app.engine.tokenizer import CausalItem
from app.errors import StartError
from app.weights import export as exporting
from app.weights.checkpoint import Checkpoint, locate
from app.weights.export import export
from app.weights.variant import load_variants
from tests import tiny
from tests.sample import sample_items
from tests.unprivileged import unprivileged

ITEMS = [CausalItem(**item) for item in sample_items()[:4]]


def adapter(directory: Path) -> Path:
    made = tiny.adapter(directory / "adapter", tiny.headless(directory / "base"))
    words = {"prompt": {"cause": "Why?", "effect": "So what?"}}
    (made / "xcopa.json").write_text(json.dumps(words), encoding="utf-8")
    return made


def found(source: Path) -> Checkpoint:
    return locate(str(source), Path())


def refusal(source: Path, out: Path) -> str:
    with pytest.raises(StartError) as stopped:
        export(found(source), out)
    return str(stopped.value)


@pytest.mark.parametrize("make", [tiny.multiple_choice, tiny.classifier, adapter])
def test_an_exported_model_has_the_same_logits_everywhere(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    source, out = make(tmp_path / "source"), tmp_path / "some" / "new" / "out"
    export(found(source), out)
    served = load_variants({"direct": str(source)}, Path())["direct"]
    again = load_variants({"direct": str(out)}, Path())["direct"]
    tokenizer = AutoTokenizer.from_pretrained(out)
    model = AutoModelForMultipleChoice.from_pretrained(out)
    for item, rows in zip(ITEMS, served.tokenizer.encode(ITEMS), strict=True):
        assert isinstance(rows, tuple)
        pairs = [
            again.tokenizer.prompt.pair(item.premise, item.question, each) for each in item.choices
        ]
        padded = tokenizer(*map(list, zip(*pairs, strict=True)), padding=True, return_tensors="pt")
        kept = [ids[mask == 1].tolist() for ids, mask in zip(*_ids(padded), strict=True)]
        assert kept == [list(row) for row in rows], "the same tokenizer"
        with torch.inference_mode():
            theirs = model(**{name: each[None] for name, each in padded.items()}).logits[0]
        ours = served.engine.logits(rows)
        assert theirs.tolist() == pytest.approx(ours, abs=1e-4)
        assert again.engine.logits(rows) == pytest.approx(ours, abs=1e-5)
    assert sorted(path.name for path in out.parent.iterdir()) == ["out"]


def _ids(padded: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    return padded["input_ids"], padded["attention_mask"]


def test_an_empty_directory_may_be_there(tmp_path: Path, tiny_direct: Path) -> None:
    (tmp_path / "out").mkdir()
    export(found(tiny_direct), tmp_path / "out")
    assert (tmp_path / "out" / "model.safetensors").exists()


def test_a_directory_with_something_in_it_is_left_alone(tmp_path: Path, tiny_direct: Path) -> None:
    (tmp_path / "notes.txt").touch()
    assert refusal(tiny_direct, tmp_path) == f"{tmp_path} is not empty; name a new directory"
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["file", "link"])
def test_what_is_no_directory_is_left_alone(tmp_path: Path, tiny_direct: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    assert refusal(tiny_direct, tmp_path / name) == (
        f"{tmp_path / name} is there and is no directory; name a new one"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]


def test_a_place_below_a_file_is_one_clear_line(tmp_path: Path, tiny_direct: Path) -> None:
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "below"
    assert refusal(tiny_direct, out) == f"cannot write {out}: File exists"


def test_a_place_that_may_not_be_written_is_one_clear_line(
    tmp_path: Path, tiny_direct: Path
) -> None:
    (tmp_path / "locked").mkdir(mode=0o555)
    out = tmp_path / "locked" / "out"
    with unprivileged():
        assert refusal(tiny_direct, out) == f"cannot write {out}: Permission denied"


def test_a_directory_that_may_not_be_listed_is_one_clear_line(
    tmp_path: Path, tiny_direct: Path
) -> None:
    (out := tmp_path / "locked").mkdir(mode=0o333)
    with unprivileged():
        assert refusal(tiny_direct, out).startswith(f"cannot read {out}: Permission denied; let")


def test_a_source_that_may_not_be_read_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    source = tiny.multiple_choice(tmp_path / "source")
    (words := source / "xcopa.json").write_text('{"prompt": {"cause": "", "effect": ""}}')
    words.chmod(0)
    with unprivileged():
        said = refusal(source, tmp_path / "out")
    assert said.startswith(f"cannot read {words}: Permission denied; let the user")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_an_export_that_fails_leaves_nothing(
    tmp_path: Path, tiny_direct: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until all is on the disk, what is there is hidden, and beside the place where it will be."""
    seen = []

    def full(directory: Path) -> None:
        seen.append(directory.parent)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "finish", full)
    out = tmp_path / "out"
    assert refusal(tiny_direct, out) == f"cannot write {out}: No space left on device"
    assert [(path.parent, path.name[:5]) for path in seen] == [(tmp_path, ".out-")]
    assert list(tmp_path.iterdir()) == []


def test_every_user_may_read_what_was_exported(tmp_path: Path, tiny_direct: Path) -> None:
    export(found(tiny_direct), tmp_path / "out")
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o644}


def test_the_tokenizer_of_an_export_knows_how_much_its_model_reads(
    tmp_path: Path, tiny_direct: Path
) -> None:
    export(found(tiny_direct), tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer.model_max_length == tiny.MAX_TOKENS
    assert (tokenizer.pad_token_id, tokenizer.mask_token) == (tiny.PADDING, "<mask>")


@pytest.mark.parametrize("name", ["tokenizer_config.json", "special_tokens_map.json"])
def test_the_settings_that_a_tokenizer_has_go_with_it(tmp_path: Path, name: str) -> None:
    source = tiny.multiple_choice(tmp_path / "source")
    (source / name).write_text('{"pad_token": "<pad>", "model_max_length": 77}')
    export(found(source), tmp_path / "out")
    assert (tmp_path / "out" / name).read_bytes() == (source / name).read_bytes()
