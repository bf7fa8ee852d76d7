"""``xcopa train`` on a tiny base: killed half-way it goes on, and what it writes is served."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.engine.model import load_variant
from loadtests.items import load_items
from models.training import _EpochSampler, _last_whole_checkpoint
from tests import tiny

RECIPE = """
name = "tiny"
base = "{base}"
seed = 3
precision = "fp32"
dropout = 0.0
warmup_ratio = 0.1
weight_decay = 0.0

[prompt]
cause = "Why?"
effect = "So?"

[adapter]
rank = 4
alpha = 8

[[stages]]
task = "copa"
learning_rate = 1e-2
epochs = 60
batch_size = 8

[[stages]]
task = "copa"
learning_rate = 1e-3
epochs = 2
batch_size = 8
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    base = tiny.headless(tmp_path / "base")
    (tmp_path / "tiny.toml").write_text(RECIPE.format(base=base), encoding="utf-8")
    items = [item for items in load_items(None).values() for item in items]
    rows = [json.dumps({**item, "label": number % 2}) for number, item in enumerate(items)]
    (tmp_path / "data" / "copa").mkdir(parents=True)
    for split in ("train", "val", "test"):
        (tmp_path / "data" / "copa" / f"{split}.jsonl").write_text("\n".join(rows), "utf-8")
    return tmp_path


def command(folder: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "app.cli", "train", str(folder / "tiny.toml")),
        *("--data", str(folder / "data"), "--out", str(folder / "out")),
        *("--work", str(folder / "work")),
    ]


def log(folder: Path) -> Iterator[dict[str, Any]]:
    return map(json.loads, (folder / "work" / "log.jsonl").read_text("utf-8").splitlines())


def test_a_killed_training_goes_on_where_it_was_and_what_it_writes_is_served(folder: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    first = subprocess.Popen(command(folder), env=environment, stderr=subprocess.DEVNULL)
    limit = time.monotonic() + 120
    while len(list(folder.glob("work/1-copa/checkpoint-*"))) < 2 and time.monotonic() < limit:
        time.sleep(0.02)
    first.kill()
    first.wait()
    reached = max(entry["step"] for entry in log(folder))
    assert reached > 0
    assert not (folder / "out").exists()
    entries_before = len(list(log(folder)))

    subprocess.run(command(folder), env=environment, check=True, capture_output=True)
    went_on = list(log(folder))[entries_before:]
    assert went_on[0]["stage"] == "1-copa"
    assert went_on[0]["step"] >= reached - 3, "it began again instead of going on"
    assert {entry["stage"] for entry in went_on} == {"1-copa", "2-copa"}
    assert any("loss" in entry for entry in went_on)
    assert any("eval_accuracy" in entry for entry in went_on)

    served = load_variant("direct", str(folder / "out"), embedded_base=Path)
    assert served.tokenizer.prompt.cause == "Why?"
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        *("adapter_config.json", "adapter_model.safetensors", "xcopa.json")
    ]

    changed = (folder / "tiny.toml").read_text("utf-8").replace("seed = 3", "seed = 4")
    (folder / "tiny.toml").write_text(changed, encoding="utf-8")
    refused = subprocess.run(command(folder), check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "another recipe" in refused.stderr


def test_an_epoch_visits_every_item_once_in_an_order_of_its_own() -> None:
    sampler = _EpochSampler(lengths=[number % 7 for number in range(101)], batch_size=4, seed=1)
    first = list(sampler)
    assert sorted(first) == list(range(101))
    assert list(sampler) == first, "the order is that of seed and epoch alone"
    sampler.set_epoch(1)
    assert sorted(sampler) == list(range(101))
    assert list(sampler) != first


def test_batches_hold_items_of_like_length_and_come_in_no_order_of_length() -> None:
    lengths = [number % 50 for number in range(800)]
    order = list(_EpochSampler(lengths, batch_size=8, seed=1))
    batches = [[lengths[index] for index in order[start : start + 8]] for start in range(0, 800, 8)]
    assert max(max(batch) - min(batch) for batch in batches) <= 10
    first = [batch[0] for batch in batches]
    assert first != sorted(first)


def test_a_checkpoint_that_a_kill_left_half_written_is_dropped(tmp_path: Path) -> None:
    for step, state in ((3, '{"global_step": 3}'), (6, '{"global_st'), (9, None)):
        directory = tmp_path / f"checkpoint-{step}"
        directory.mkdir()
        if state is not None:
            (directory / "trainer_state.json").write_text(state, encoding="utf-8")
    assert _last_whole_checkpoint(tmp_path) == tmp_path / "checkpoint-3"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-3"]
    assert _last_whole_checkpoint(tmp_path / "checkpoint-3") is None
