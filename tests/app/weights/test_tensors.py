"""What was loaded is what is served: nothing that happens to a file afterwards reaches it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from app.errors import StartError
from app.weights.checkpoint import Checkpoint, locate
from app.weights.loading import load
from app.weights.tensors import name_some, read_tensors
from app.weights.variant import load_variants
from tests import tiny

ROWS = [(0, 9, 8, 7, 2), (0, 5, 2)]


def overwrite_then_cut(path: Path) -> None:
    """Write into the file itself, as ``cp`` and ``rsync --inplace`` do, then cut it off."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 10)
        file.write(b"\x7f" * (size // 2))
    os.truncate(path, 0)


@pytest.mark.parametrize("make", [tiny.multiple_choice, tiny.classifier])
def test_a_checkpoint_overwritten_in_place_changed_answers_and_killed_the_process(
    tmp_path: Path, make: object
) -> None:
    assert callable(make)
    directory = make(tmp_path / "model")
    engine = load_variants({"direct": str(directory)}, Path())["direct"].engine
    before = engine.logits(ROWS)
    overwrite_then_cut(directory / "model.safetensors")
    assert engine.logits(ROWS) == before


def test_neither_an_adapter_nor_its_base_is_read_again(tmp_path: Path) -> None:
    base = tiny.headless(tmp_path / "base")
    adapter = tiny.adapter(tmp_path / "adapter", base)
    engine = load_variants({"direct": str(adapter)}, Path())["direct"].engine
    before = engine.logits(ROWS)
    for path in (base / "model.safetensors", adapter / "adapter_model.safetensors"):
        overwrite_then_cut(path)
    assert engine.logits(ROWS) == before


def test_no_weights_are_mapped_into_memory(tmp_path: Path) -> None:
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("Linux alone says what is mapped")
    variants = load_variants({"direct": str(tiny.multiple_choice(tmp_path))}, Path())
    assert str(tmp_path) not in maps.read_text()
    assert variants


def test_weights_that_change_while_they_are_read_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tiny.multiple_choice(tmp_path / "model")
    hashed = Checkpoint.revision

    def revision_then_change(self: Checkpoint) -> str:
        found = hashed(self)
        os.utime(directory / "model.safetensors", ns=(1, 1))
        return found

    monkeypatch.setattr(Checkpoint, "revision", revision_then_change)
    with pytest.raises(StartError) as stopped:
        load(locate(str(directory), Path()))
    assert str(stopped.value) == (
        f"the files of '{directory}' changed while they were read; start again"
    )


def test_some_names_stand_for_all() -> None:
    assert name_some(["c", "a", "b"]) == "a, b, c"
    assert name_some("abcd") == "a, b, c, d"
    assert name_some("abcde") == "a, b, c, d and 1 more"
    assert name_some("abcdef") == "a, b, c, d and 2 more"


def test_numbers_that_are_not_floats_and_tensors_without_any_are_read(tmp_path: Path) -> None:
    tensors = {"ids": torch.arange(3), "none": torch.ones(0, 2)}
    save_file(tensors, tmp_path / "file.safetensors")
    read = read_tensors([tmp_path / "file.safetensors"])
    assert read["ids"].tolist() == [0, 1, 2]
    assert read["none"].shape == (0, 2)
