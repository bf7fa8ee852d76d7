"""``xcopa train`` is ended at a write; the output is then the old or the new one, and whole.

Started again, it ends at the very weights of a run that nothing disturbed, and leaves nothing over.
"""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import tiny
from tests.models.training import data
from tests.models.training.faults import (
    Ended,
    Fault,
    Kind,
    count_writes,
    make_writable,
    run_command,
)
from tests.models.training.small import contents

RECIPE = """
name = "tiny"
base = "{base}"
seeds = [3, 4]
precision = "fp32"
dropout = 0.1
warmup_ratio = 0.1
weight_decay = 0.01
prompt = {{ cause = "Why?", effect = "So?" }}
tuning = {{ method = "lora", rank = 4, alpha = 8 }}

[[phases]]
tasks = ["socialiqa"]
learning_rate = {rate}
epochs = 1
batch_tokens = 300
max_items = 12
validation = ["socialiqa"]
evaluations = 3
keep = "average"
runs = 1

[[phases]]
tasks = ["copa"]
learning_rate = 1e-2
epochs = 1
batch_tokens = 300
max_items = 12
validation = ["copa"]
evaluations = 3
"""
CARD = "my card"
VARIES = "training.json"
"""Holds seconds."""
SLOW_SEEDS = range(6)
"""Each with every kind, 4 s a fault."""
KINDS = [kind for kind in Kind if kind is not Kind.NONE]


@dataclass(frozen=True)
class Prepared:
    """A folder with an output of an old recipe, and what a new one comes to."""

    folder: Path
    old: dict[str, str]
    new: dict[str, str]
    writes: int
    largest: int
    """Bytes of the largest file that is written."""


def arguments(common: Path, watched: Path, recipe: str = "new") -> list[str]:
    return [
        *("train", str(common / f"{recipe}.toml"), "--data", str(common / "data")),
        *("--work", str(watched / "work"), "--out", str(watched / "out")),
    ]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("faults")
    tiny.headless(folder / "base")
    data.write(folder / "data")
    for name, rate in (("old", "1e-3"), ("new", "1e-2")):
        recipe = RECIPE.format(base=folder / "base", rate=rate)
        (folder / f"{name}.toml").write_text(recipe, "utf-8")
    (watched := folder / "undisturbed").mkdir()
    count_writes(arguments(folder, watched, "old"), watched)
    (watched / "out" / "README.md").write_text(CARD)
    shutil.copytree(watched / "out", folder / "out")
    shutil.rmtree(watched / "work")
    writes = count_writes(arguments(folder, watched), watched)
    sizes = [path.stat().st_size for path in watched.rglob("*") if path.is_file()]
    made = contents(watched / "out")
    return Prepared(folder, contents(folder / "out"), made, writes, max(sizes))


def drawn(prepared: Prepared, kind: Kind, seed: int) -> Fault:
    chance = random.Random(f"{kind}/{seed}")  # noqa: S311
    if kind is Kind.FULL:
        return Fault(kind, int(prepared.largest ** chance.uniform(0.2, 0.999)))
    return Fault(kind, chance.randint(1, prepared.writes))


def check_output(out: Path, prepared: Prepared, rate: float | None = None) -> None:
    """The output is whole; it is the new one where a rate is given."""
    found = contents(out)
    record = json.loads((out / VARIES).read_text("utf-8"))
    learnt = record["recipe"]["phases"][0]["learning_rate"]
    wanted = {1e-3: prepared.old, 1e-2: prepared.new}[learnt]
    assert {**found, VARIES: ""} == {**wanted, VARIES: ""}
    assert (out / "README.md").read_text() == CARD
    assert rate in (None, learnt)


def check_end(ended: Ended, kind: Kind) -> None:
    if kind is Kind.READ_ONLY and ended.code == 0:
        return  # all was written, and only what the new output has replaced could not go
    assert ended.code != 0, "the fault came too late"
    if kind in (Kind.FULL, Kind.READ_ONLY):
        assert ended.code == 1, ended.said
        assert "Traceback" not in ended.said
        said = [line for line in ended.said.splitlines() if line.startswith("xcopa cannot go on")]
        assert len(said) == 1, ended.said


def bring(prepared: Prepared, kind: Kind, seed: int, folder: Path) -> None:
    fault = drawn(prepared, kind, seed)
    shutil.copytree(prepared.folder / "out", folder / "out")
    ended = run_command(arguments(prepared.folder, folder), folder, fault)
    make_writable(folder)
    check_output(folder / "out", prepared, rate=None if ended.code else 1e-2)
    check_end(ended, kind)

    again = run_command(arguments(prepared.folder, folder), folder, Fault())
    assert again.code == 0, again.said
    check_output(folder / "out", prepared, rate=1e-2)
    assert sorted(path.name for path in folder.iterdir()) == ["out", "work"]
    left = {path.name for path in (folder / "work").rglob("*")}
    assert not left & {"saving", "finishing", "writing", "claiming"}
    assert not [name for name in left if name.startswith("checkpoint-")]


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=pytest.mark.slow) if kind is not Kind.FULL else kind
        for kind in KINDS
    ],
)
def test_a_fault_leaves_the_old_or_the_new_output_whole(
    prepared: Prepared, kind: Kind, tmp_path: Path
) -> None:
    bring(prepared, kind, 1000, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SLOW_SEEDS)
def test_a_fault_at_any_write_leaves_the_old_or_the_new_output_whole(
    prepared: Prepared, seed: int, tmp_path: Path
) -> None:
    for kind in KINDS:
        folder = tmp_path / kind.name
        folder.mkdir()
        bring(prepared, kind, seed, folder)
