"""A run does not go on in, nor publish, what was made from something else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.tasks.example import DataError
from models.training import identity
from models.training.errors import TrainingError
from models.training.prepare import TrainingRun
from models.training.run import train
from tests.models.training.networks import phase
from tests.models.training.small import PHASE, contents, first, go, small_run, with_recipe


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> TrainingRun:
    run = small_run(tmp_path_factory.mktemp("finished"))
    assert go(run) == ["tiny seed-3/1-socialiqa", "tiny seed-3/2-copa"]
    return run


@pytest.fixture
def run(finished: TrainingRun, tmp_path: Path) -> TrainingRun:
    """A finished run of which the test may change everything."""
    before, folder = finished.base.parent, tmp_path / "run"
    shutil.copytree(before, folder)
    names = ("base", "data", "work", "out")
    paths = {name: folder / getattr(finished, name).relative_to(before) for name in names}
    return with_recipe(replace(finished, **paths))


def flip_labels(run: TrainingRun) -> None:
    path = run.base.parent / "data" / "copa" / "train.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    rows = [{**row, "label": 1 - row["label"]} for row in rows]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", "utf-8")


def swap_base(run: TrainingRun) -> None:
    path = run.base / "model.safetensors"
    weights = load_file(path)
    save_file({name: weight * 1.01 for name, weight in weights.items()}, path, {"format": "pt"})


def swap_tokenizer(run: TrainingRun) -> None:
    path = run.base / "tokenizer.json"
    path.write_text(path.read_text("utf-8") + "\n", "utf-8")


def test_the_same_run_again_trains_nothing_and_writes_the_same(run: TrainingRun) -> None:
    """Not even from another place: digests count, and paths do not."""
    before = contents(run.out)
    assert go(run) == []
    after = contents(run.out)
    assert after["adapter_model.safetensors"] == before["adapter_model.safetensors"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (flip_labels, r"seed-3/2-copa was made with other data \(phases\.1\.copa/train was "),
        (swap_base, r"1-socialiqa was made with another base \(revision was "),
        (swap_tokenizer, r"another base \(revision was "),
    ],
)
def test_data_or_base_that_changed_after_a_run_are_named(
    run: TrainingRun, change: Callable[[TrainingRun], None], named: str
) -> None:
    before = contents(run.out)
    change(run)
    with pytest.raises(TrainingError, match=named) as refused:
        go(run)
    assert "--force" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert contents(run.out) == before


def test_data_that_is_gone_after_a_run_is_missed(run: TrainingRun) -> None:
    (run.base.parent / "data" / "copa" / "train.jsonl").unlink()
    with pytest.raises(DataError, match="copa"):
        go(run)


def test_another_seed_has_folders_of_its_own(run: TrainingRun) -> None:
    titles = go(with_recipe(run, seeds=(4,)))
    assert titles == ["tiny seed-4/1-socialiqa", "tiny seed-4/2-copa"]
    assert (run.work / "seed-3" / "variant").is_dir(), "nothing of the first is stale"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            {"phases": (first(learning_rate=2e-2), phase(**PHASE))},
            "phases.0.learning_rate was 0.01",
        ),
        ({"weight_decay": 0.5}, "weight_decay was 0.0, is 0.5"),
        ({"phases": (phase(**PHASE),)}, "phases.0.tasks.0 was socialiqa, is copa"),
        ({"seeds": (4, 3)}, "seeds.0 was 3, is 4"),
    ],
)
def test_a_recipe_that_changed_is_named_by_field(
    run: TrainingRun, changes: dict[str, object], named: str
) -> None:
    with pytest.raises(TrainingError, match="another recipe") as refused:
        go(with_recipe(run, **changes))
    assert named in str(refused.value)


def test_code_that_changed_is_named(run: TrainingRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "__version__", "99.0")
    with pytest.raises(TrainingError, match=r"other code \(xcopa-service was .*, is 99\.0\)"):
        go(run)


def test_a_folder_of_an_earlier_version_is_refused(run: TrainingRun) -> None:
    marker = run.work / "seed-3" / "2-copa" / "depends-on.json"
    marker.write_text('{"seed": 3}', "utf-8")
    with pytest.raises(TrainingError, match="an earlier version, which recorded less"):
        go(run)
    marker.unlink()
    with pytest.raises(TrainingError, match="no record of"):
        go(run)


def test_a_folder_that_a_kill_left_before_it_was_bound_is_none_of_another_run(
    run: TrainingRun,
) -> None:
    folder = run.work / "seed-3" / "2-copa"
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "claiming").write_text("{", "utf-8")
    assert go(run) == ["tiny seed-3/2-copa"]


def test_a_seed_is_added_to_what_is_there(run: TrainingRun) -> None:
    assert go(with_recipe(run, seeds=(3, 4))) == ["tiny seed-4/2-copa"]


@pytest.mark.parametrize("seeds", [(3, 4), (4,), (4, 3)])
def test_an_added_seed_never_learns_from_other_data_than_those_beside_it(
    run: TrainingRun, seeds: tuple[int, ...]
) -> None:
    """Even where the old seed is no part of the recipe: evaluations take all that lie there."""
    alone = with_recipe(run, phases=(phase(**PHASE),))
    shutil.rmtree(run.work)
    go(alone)
    flip_labels(run)
    with pytest.raises(TrainingError, match=r"seed-3/1-copa was made with other data"):
        go(with_recipe(run, phases=(phase(**PHASE),), seeds=seeds))
    assert not (run.work / "seed-4").exists()


def test_force_makes_anew_what_differs_and_that_alone(run: TrainingRun) -> None:
    before = contents(run.out)
    flip_labels(run)
    assert go(replace(run, force=True)) == ["tiny seed-3/2-copa"]
    assert contents(run.out)["adapter_model.safetensors"] != before["adapter_model.safetensors"]
    assert go(run) == []
    assert go(replace(run, force=True)) == [], "nothing differs any more"


def test_force_takes_away_seeds_of_other_data_that_are_not_made_again(run: TrainingRun) -> None:
    go(with_recipe(run, seeds=(3, 4)))
    flip_labels(run)
    assert go(replace(run, force=True)) == ["tiny seed-3/2-copa"]
    assert not (run.work / "seed-4" / "variant").exists()


def test_a_phase_begins_anew_where_the_one_before_it_does(run: TrainingRun) -> None:
    forced = with_recipe(
        replace(run, force=True), phases=(first(learning_rate=2e-2), phase(**PHASE))
    )
    assert go(forced) == ["tiny seed-3/1-socialiqa", "tiny seed-3/2-copa"]


def test_an_interrupted_run_does_not_go_on_with_other_data(run: TrainingRun) -> None:
    """It has checkpoints and nothing that is done."""
    shutil.rmtree(run.work)

    class StopError(Exception):
        """Ends the run after its first checkpoint."""

    def interrupt(_: str) -> Callable[..., None]:
        def on_step(*_: object) -> None:
            if list(run.work.glob("*/*/checkpoint-*")):
                raise StopError

        return on_step

    with pytest.raises(StopError):
        train(run, interrupt)
    flip = run.base.parent / "data" / "socialiqa" / "train.jsonl"
    flip.write_text("\n".join(flip.read_text("utf-8").splitlines()[::-1]) + "\n", "utf-8")
    with pytest.raises(TrainingError, match=r"phases\.0\.socialiqa/train"):
        go(run)


def test_the_revision_of_a_base_changes_with_all_that_training_reads(run: TrainingRun) -> None:
    seen = {identity.Provenance.of(run.base).base}
    for change in (swap_base, swap_tokenizer):
        change(run)
        seen.add(identity.Provenance.of(run.base).base)
    config = run.base / "config.json"
    config.write_text(config.read_text("utf-8").replace("0.3", "0.2"), "utf-8")
    seen.add(identity.Provenance.of(run.base).base)
    assert len(seen) == 4
    assert identity.Provenance.of(run.base).code["torch"] == torch.__version__
