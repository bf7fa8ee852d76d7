"""A cross-validation of a tiny recipe: folds apart, early phases shared, weights averaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from app.settings import Settings
from models.crossvalidation.outcome import OutOfFold
from models.crossvalidation.run import cross_validate
from models.evaluation.ask.local import opener
from models.tasks.sets import balanced_copa
from models.training.errors import TrainingError
from models.training.prepare import TrainingRun
from models.training.run import train
from tests import tiny
from tests.models.tasks.invented_causal import balanced_xml, copa_item
from tests.models.tasks.writing import write
from tests.models.training import data
from tests.models.training.networks import phase
from tests.models.training.small import PHASE, first, small_recipe

pytestmark = pytest.mark.slow

# Several batches, since their order is all that differs between seeds of one start.
TARGET = {
    "tasks": ("balanced-copa/all",),
    "validation": (),
    "keep": "average",
    "batch_tokens": 120,
    "learning_rate": 1e-3,
}
RECIPE = {
    "seeds": (3, 4),
    "start": 5,
    "phases": (first(), phase(**{**PHASE, **TARGET})),
    "publish": {"what": "average", "rank": 4},
}


def run_in(folder: Path) -> TrainingRun:
    base = tiny.headless(folder / "base")
    data.write(folder / "data")
    rows = [
        {**copa_item(number, mirror), "id": number + 1000 * mirror}
        for mirror in (False, True)
        for number in range(1, 501)
    ]
    write({"balanced-copa/balacopa-dev-all.xml": balanced_xml(rows)}, folder / "data")
    recipe = small_recipe(base, **RECIPE)
    return TrainingRun(recipe, base, folder / "data", folder / "work", folder / "made" / "out")


def go(run: TrainingRun, cache: Path) -> tuple[OutOfFold, list[str]]:
    titles: list[str] = []

    def on_phase(title: str) -> object:
        titles.append(title)
        return lambda *_: None

    settings = Settings(threads=1, linear_kernel="torch", cache_dir=cache)
    found = cross_validate(run, opener(settings), on_phase)  # type: ignore[arg-type]
    assert found is not None
    return found, titles


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> TrainingRun:
    return run_in(tmp_path_factory.mktemp("folds"))


@pytest.fixture(scope="module")
def found(run: TrainingRun) -> tuple[OutOfFold, list[str]]:
    return go(run, run.work.parent / "cache")


def test_every_item_is_answered_by_models_that_have_not_seen_it(
    run: TrainingRun, found: tuple[OutOfFold, list[str]]
) -> None:
    answers, _ = found
    assert sorted(answers.numbers) == sorted(balanced_copa.numbers("all"))
    items = balanced_copa.load_numbered(run.data)
    assert list(answers.labels) == [items[number].label for number in answers.numbers]
    assert set(answers.logits) == {
        *("seed-3", "seed-3/last", "seed-4", "seed-4/last"),
        *("average", "average/rank-4", "average/last", "average/last/rank-4"),
    }
    for logits in answers.logits.values():
        assert logits.shape == (1000, 2)
        assert np.isfinite(logits).all()


def test_each_name_is_a_model_of_its_own(found: tuple[OutOfFold, list[str]]) -> None:
    answers = {name: logits.tobytes() for name, logits in found[0].logits.items()}
    assert len(set(answers.values())) == len(answers)


def test_folds_share_the_phases_before_the_last(found: tuple[OutOfFold, list[str]]) -> None:
    titles = found[1]
    assert [title for title in titles if "1-socialiqa" in title] == ["tiny seed-3/1-socialiqa"]
    assert sum("2-balanced-copa-but-fold" in title for title in titles) == 5 * 2


def test_the_same_again_trains_nothing_and_answers_the_same(
    run: TrainingRun, found: tuple[OutOfFold, list[str]]
) -> None:
    again, titles = go(run, run.work.parent / "cache")
    assert titles == []
    for name, logits in found[0].logits.items():
        assert again.logits[name] == pytest.approx(logits, abs=1e-5)


def test_a_training_goes_on_from_the_phases_of_a_cross_validation(
    run: TrainingRun, found: tuple[OutOfFold, list[str]]
) -> None:
    titles: list[str] = []

    def on_phase(title: str) -> object:
        titles.append(title)
        return lambda *_: None

    train(run, on_phase)  # type: ignore[arg-type]
    assert titles == ["tiny seed-3/2-balanced-copa-all", "tiny seed-4/2-balanced-copa-all"]
    published = load_file(run.out / "adapter_model.safetensors")
    ranks = {weight.shape[0] for name, weight in published.items() if "lora_A" in name}
    assert ranks == {4}


def test_folds_of_another_recipe_are_refused(
    run: TrainingRun, found: tuple[OutOfFold, list[str]]
) -> None:
    other = small_recipe(run.base, **RECIPE, weight_decay=0.5)
    with pytest.raises(TrainingError, match=r"weight_decay was 0\.0, is 0\.5"):
        go(replace(run, recipe=other), run.work.parent / "cache")
