"""The hub: the real client against a stand-in on loopback, and against folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import datasets
import pytest

from models.tasks.example import DataError
from models.tasks.reading.hub import HubSplit, is_cached
from models.tasks.registry import TASKS
from models.tasks.sets import copa
from models.tasks.task import digest
from tests.conftest import ROOT
from tests.models.tasks.invented import SETS
from tests.models.tasks.invented_causal import KETTLE, RAIN
from tests.models.tasks.stand_in import serving
from tests.models.tasks.writing import Fields, write

ON_THE_HUB = [name for name, task in TASKS.items() if task.hub]
AS_CSV = {"12ml/e-CARE", "pkavumba/balanced-copa"}
"""Repositories that are CSV files, named by their split, without a configuration."""


@dataclass(frozen=True)
class Loaded:
    digests: dict[str, str]
    asked: list[str]
    cache: Path


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    folder = tmp_path_factory.mktemp("hub")
    _repositories(folder)
    with serving(folder) as (endpoint, asked):
        names = [f"{name}/{split}" for name in ON_THE_HUB for split in ("train", "val")]
        home = tmp_path_factory.mktemp("home")
        digests = _load([*names, "copa/test"], {"HF_ENDPOINT": endpoint, "HF_HOME": str(home)})
    return Loaded(digests, asked, home / "datasets")


@pytest.mark.parametrize("name", ON_THE_HUB)
@pytest.mark.parametrize("split", ["train", "val"])
def test_the_hub_and_a_directory_give_the_same_examples(
    loaded: Loaded, tmp_path: Path, name: str, split: str
) -> None:
    here = TASKS[name].load(write(SETS[name].files, tmp_path), split)
    assert here
    assert loaded.digests[f"{name}/{split}"] == digest(here)


def test_the_measured_items_of_copa_come_with_their_labels(loaded: Loaded, tmp_path: Path) -> None:
    here = copa.load(write(SETS["copa"].files, tmp_path), "test")
    assert loaded.digests["copa/test"] == digest(here)


def test_sets_that_were_fetched_are_found_in_the_cache(
    loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    splits = [split for task in TASKS.values() for split in task.hub]
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", loaded.cache)
    assert [split for split in splits if not is_cached(split)] == []
    assert not is_cached(replace(splits[0], split="another"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    assert not any(map(is_cached, splits))


def test_a_known_commit_is_the_one_that_is_asked_for(loaded: Loaded) -> None:
    pinned = {split for task in TASKS.values() for split in task.hub if split.revision}
    assert pinned
    for split in pinned:
        assert f"/datasets/{split.id}/resolve/{split.revision}/README.md" in loaded.asked


def test_a_set_that_is_gone_is_named_with_the_way_out(tmp_path: Path) -> None:
    with serving(tmp_path) as (endpoint, _):
        settings = {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "home")}
        told = _load(["piqa/train"], settings)["piqa/train"]
    assert "baber/piqa" in told
    assert "--data" in told
    assert "\n" not in told


def test_without_a_network_the_set_is_named_with_the_way_out(tmp_path: Path) -> None:
    told = _load(["copa/val"], {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)})["copa/val"]
    assert "aps/super_glue" in told
    assert "--data" in told


def test_a_wrong_row_of_the_hub_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    folder = write(
        {"train.jsonl": json.dumps(KETTLE) + "\n" + json.dumps({**RAIN, "label": 4})},
        tmp_path / "set",
    )
    source = replace(copa.SOURCE, hub={"train": HubSplit(str(folder), "train")})
    with pytest.raises(DataError, match=r"set, train, row 1: label is not one of 0 to 1: 4"):
        source.load(None, "train")


def test_a_split_that_the_hub_lacks_is_refused_before_anything_is_fetched() -> None:
    with pytest.raises(DataError, match="has no split 'test'; it has train, val"):
        TASKS["piqa"].load(None, "test")


def test_without_the_library_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"aps/super_glue.*datasets.*--data"):
        copa.load(None, "train")


def _load(names: list[str], settings: dict[str, str]) -> dict[str, str]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "0", "OMP_NUM_THREADS": "1", **settings}
    command = [sys.executable, "-W", "error", "-m", "tests.models.tasks.from_the_hub", *names]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, str] = json.loads(done.stdout)
    return result


def _repositories(folder: Path) -> None:
    """Write the invented rows as the repositories that the tasks name."""
    rows = {place: found for each in SETS.values() for place, found in each.hub.items()}
    configs = {split.id: split.config or "default" for task in TASKS.values() for split in task.hub}
    splits: dict[str, list[str]] = defaultdict(list)
    for (name, split), found in rows.items():
        splits[name].append(split)
        _table(folder / name, configs[name], split, found)
    for name in splits.keys() - AS_CSV:
        write({f"{name}/README.md": _card(configs[name], splits[name])}, folder)


def _table(repository: Path, config: str, split: str, rows: list[Fields]) -> None:
    table = datasets.Dataset.from_list(rows)
    if str(repository).endswith(tuple(AS_CSV)):
        repository.mkdir(parents=True, exist_ok=True)
        table.to_csv(repository / f"{split}.csv", index=False)
        return
    (repository / config).mkdir(parents=True, exist_ok=True)
    table.to_parquet(repository / config / f"{split}-00000-of-00001.parquet")


def _card(config: str, splits: Iterable[str]) -> str:
    files = "".join(f"  - split: {split}\n    path: {config}/{split}-*\n" for split in splits)
    return f"---\nconfigs:\n- config_name: {config}\n  data_files:\n{files}---\n"
