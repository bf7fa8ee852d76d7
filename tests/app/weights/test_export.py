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


@pytest.mark.parametrize("make", [tiny.multiple_choice, tiny.classifier, adapter])
def test_an_exported_model_has_the_same_logits_everywhere(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    source, out = make(tmp_path / "source"), tmp_path / "some" / "out"
    export(found(source), out)
    served = load_variants({"direct": str(source)}, Path())["direct"]
    again = load_variants({"direct": str(out)}, Path())["direct"]
    tokenizer = AutoTokenizer.from_pretrained(out)
    model = AutoModelForMultipleChoice.from_pretrained(out)
    for item, rows in zip(ITEMS, served.tokenizer.encode(ITEMS), strict=True):
        assert isinstance(rows, tuple)
        asked = [again.tokenizer.prompt.ask(item.question, choice) for choice in item.choices]
        padded = tokenizer([item.premise] * 2, asked, padding=True, return_tensors="pt")
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
    with pytest.raises(StartError, match="is not empty; name a new directory"):
        export(found(tiny_direct), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["file", "link", "file/below"])
def test_what_is_no_directory_is_left_alone(tmp_path: Path, tiny_direct: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(StartError, match=name):
        export(found(tiny_direct), tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]


def test_a_place_that_may_not_be_written_is_one_clear_line(
    tmp_path: Path, tiny_direct: Path
) -> None:
    (tmp_path / "locked").mkdir(mode=0o555)
    with unprivileged(), pytest.raises(StartError, match=r"cannot write .*Permission denied"):
        export(found(tiny_direct), tmp_path / "locked" / "out")


def test_an_export_that_fails_leaves_nothing(
    tmp_path: Path, tiny_direct: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(directory: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "_flush", full)
    with pytest.raises(StartError, match=r"cannot write .*: No space left on device"):
        export(found(tiny_direct), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
