"""What would fail after hours fails before the first step, and leaves everything as it was."""

from __future__ import annotations

import re
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from app.errors import StartError
from models.tasks.example import DataError
from models.training import prepare as preparing
from models.training.done import DonePhase
from models.training.errors import TrainingError
from models.training.prepare import TrainingRun, check_room, prepare
from models.training.space import bytes_in
from tests.models.training.small import go, small_run

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def run(tmp_path: Path) -> TrainingRun:
    return small_run(tmp_path)


def bad_row(run: TrainingRun) -> None:
    """Of the second phase alone."""
    path = run.base.parent / "data" / "copa" / "val.jsonl"
    path.write_text(path.read_text("utf-8") + '{"premise": "p"}\n', "utf-8")


def without_a_layer(run: TrainingRun) -> None:
    change_weights(run, lambda name: not name.startswith("encoder.layer.1."))


def without_a_weight(run: TrainingRun) -> None:
    change_weights(run, lambda name: name != "encoder.layer.1.output.dense.weight")


def change_weights(run: TrainingRun, kept: Callable[[str], bool]) -> None:
    path = run.base / "model.safetensors"
    weights = {name: weight for name, weight in load_file(path).items() if kept(name)}
    save_file(weights, path, {"format": "pt"})


def cut_weights(run: TrainingRun) -> None:
    path = run.base / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


def no_number(run: TrainingRun) -> None:
    path = run.base / "model.safetensors"
    weights = load_file(path)
    weights["encoder.layer.0.output.dense.bias"][0] = float("nan")
    save_file(weights, path, {"format": "pt"})


def other_shape(run: TrainingRun) -> None:
    path = run.base / "config.json"
    path.write_text(
        path.read_text("utf-8").replace('"intermediate_size": 48', '"intermediate_size": 64'),
        "utf-8",
    )


def other_tokenizer(run: TrainingRun) -> None:
    path = run.base / "config.json"
    text = path.read_text("utf-8")
    path.write_text(text.replace('"eos_token_id": 2', '"eos_token_id": 3'), "utf-8")


def no_tokenizer(run: TrainingRun) -> None:
    (run.base / "tokenizer.json").unlink()


def cut_tokenizer(run: TrainingRun) -> None:
    path = run.base / "tokenizer.json"
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (bad_row, r"val\.jsonl:17|val\.jsonl"),
        (without_a_layer, "lacks roberta.encoder.layer.1."),
        (without_a_weight, "lacks roberta.encoder.layer.1.output.dense.weight"),
        (cut_weights, "is damaged"),
        (no_number, "holds NaN or infinity in encoder.layer.0.output.dense.bias"),
        (other_shape, "and its config.json needs"),
        (other_tokenizer, "does not put <s> first and </s> last"),
        (no_tokenizer, "tokenizer.json"),
        (cut_tokenizer, "is not a tokenizer"),
    ],
)
def test_a_fault_is_told_in_one_line_and_nothing_is_written(
    run: TrainingRun, change: Callable[[TrainingRun], None], complaint: str
) -> None:
    change(run)
    with pytest.raises((TrainingError, DataError, StartError), match=complaint) as refused:
        go(run)
    assert "\n" not in str(refused.value)
    assert not run.work.exists()
    assert not run.out.parent.exists()


def test_a_base_with_another_head_is_a_starting_point(run: TrainingRun) -> None:
    path = run.base / "model.safetensors"
    weights = load_file(path)
    weights = {f"roberta.{name}": weight for name, weight in weights.items()}
    weights["classifier.out_proj.weight"] = weights["roberta.embeddings.LayerNorm.weight"][
        None
    ].clone()
    save_file(weights, path, {"format": "pt"})
    assert prepare(run).config.num_hidden_layers == 2


def test_a_disk_with_too_little_room_is_told_before_the_first_step(
    run: TrainingRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1e9, 1e9 - 5e4, 5e4))
    with pytest.raises(TrainingError, match="MB more, and the disk has 0 MB left"):
        go(run)
    assert not list(run.work.glob("*/*"))


def test_the_room_that_is_asked_for_is_enough_and_not_ten_times_too_much(
    run: TrainingRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = preparing._needed(prepare(run))
    sizes: list[int] = []
    real = DonePhase.write

    def write(*arguments: Any) -> None:
        sizes.append(bytes_in(run.work))
        real(*arguments)

    monkeypatch.setattr(DonePhase, "write", staticmethod(write))
    go(run)
    assert max(*sizes, bytes_in(run.work)) < needed < 10 * max(sizes)


def test_what_is_there_already_needs_no_room(run: TrainingRun) -> None:
    before = check_room(prepare(run))
    go(run)
    after = check_room(prepare(run))
    assert megabytes(after) < megabytes(before) / 2


def megabytes(said: str) -> float:
    found = re.search(r"at most ([\d.]+) MB more", said)
    assert found is not None
    return float(found[1])
