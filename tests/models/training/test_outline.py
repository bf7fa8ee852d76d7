"""A dry run before base and sets are here says what it can, names the rest, and fetches nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.weights.embedded import EMBEDDED_BASE
from models.tasks.example import DataError
from models.training.errors import TrainingError
from models.training.outline import Folders, StandIn, absent_sets, outline, stand_in
from models.training.recipe import Full, Recipe
from models.training.rehearsal import rehearse
from models.training.space import weight_bytes
from tests import tiny
from tests.models.training.networks import recipe
from tests.models.training.small import first, small_recipe, small_run

HUB = "would be fetched from the Hugging Face hub"
LARGE = "FacebookAI/xlm-roberta-large"


@pytest.fixture(autouse=True)
def _no_sets_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cached")


def lines_of(
    folder: Path, wanted: Recipe, base: StandIn, data: Path | None = None
) -> tuple[str, ...]:
    folders = Folders(data, folder / "work", folder / "made" / "out")
    return tuple(outline(wanted, base, folders, absent_sets(wanted, data)))


def test_a_base_whose_shape_is_known_is_counted_as_if_it_were_here(tmp_path: Path) -> None:
    run = small_run(tmp_path)
    fetched = run.recipe.model_copy(update={"base": LARGE})
    base = StandIn(run.base, tiny.config(), is_here=False)
    said = lines_of(tmp_path, fetched, base, run.data)
    there = [line.replace("not begun", "not checked") for line in rehearse(run)]
    assert said == (
        f"base: {LARGE}",
        f"missing: {LARGE} {HUB}",
        *there[1:-1],
        "not checked: what is missing, room on the disks, and what lies in --work",
    )
    assert not run.work.exists()


def test_without_tokenizer_and_sets_it_says_their_places_and_the_weights(tmp_path: Path) -> None:
    wanted = small_recipe(Path(LARGE))
    base = stand_in(LARGE, None, tmp_path)
    work = tmp_path / "work"
    unknown = "steps, tokens and FLOPs are not known"
    memory = (
        "  about 2,263.7 MB on each device: weights 2,242.4, gradients 7.1, AdamW 14.2, "
        "activations not known"
    )
    assert lines_of(tmp_path, wanted, base) == (
        f"base: {LARGE}",
        f"missing: {LARGE} {HUB}",
        f"missing: socialiqa {HUB} (lighteval/siqa)",
        f"missing: copa {HUB} (aps/super_glue)",
        f"{work / 'seed-3' / '1-socialiqa'}: socialiqa (missing); {unknown}",
        memory,
        f"{work / 'seed-3' / '2-copa'}: copa (missing); {unknown}",
        memory,
        "not checked: what is missing, room on the disks, and what lies in --work",
    )


def test_an_unknown_base_leaves_the_sizes_of_the_sets(tmp_path: Path) -> None:
    run = small_run(tmp_path)
    wanted = run.recipe.model_copy(update={"base": "someone/else"})
    said = lines_of(tmp_path, wanted, stand_in("someone/else", None, tmp_path), run.data)
    assert said[:2] == ("base: someone/else", f"missing: someone/else {HUB}")
    assert [line.partition(": ")[2] for line in said[2:-1]] == [
        "socialiqa (12); steps, tokens and FLOPs are not known",
        "copa (12); steps, tokens and FLOPs are not known",
    ]


def test_all_that_a_data_directory_lacks_is_named_and_fails_at_the_end(tmp_path: Path) -> None:
    """No run would fetch it: with --data, nothing comes from the hub."""
    run = small_run(tmp_path)
    assert run.data is not None
    for name in ("copa", "socialiqa"):
        (run.data / name / "train.jsonl").unlink()
    base = stand_in(str(run.base), run.base, tmp_path)
    folders = Folders(run.data, run.work, run.out)
    said: list[str] = []
    with pytest.raises(DataError) as stopped:
        said.extend(outline(run.recipe, base, folders, absent_sets(run.recipe, run.data)))
    assert str(stopped.value) == f"{run.data} lacks socialiqa, copa"
    missing = [line for line in said if line.startswith("missing: ")]
    assert [line.partition(" cannot be read: ")[0] for line in missing] == [
        "missing: socialiqa",
        "missing: copa",
    ]
    assert str(run.data / "copa" / "train.jsonl") in missing[1]


def test_the_embedded_base_would_be_assembled(tmp_path: Path) -> None:
    wanted = small_recipe(Path(EMBEDDED_BASE), phases=(first(),))
    said = lines_of(tmp_path, wanted, stand_in(wanted.base, None, tmp_path))
    assert said[1] == f"missing: {wanted.base} would be assembled from the package index"


def test_what_is_in_the_cache_is_not_missing(tmp_path: Path) -> None:
    wanted = small_recipe(tmp_path)
    assert list(absent_sets(wanted, None)) == ["socialiqa", "copa"]
    for name in ("siqa-train", "siqa-validation"):
        path = tmp_path / "cached" / "lighteval___siqa" / "default" / "0.0.0" / "54c6" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".arrow").touch()
    assert list(absent_sets(wanted, None)) == ["copa"]


def test_folders_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    (tmp_path / "work").touch()
    base = stand_in("someone/else", None, tmp_path)
    with pytest.raises(TrainingError, match="is a file; name a directory"):
        lines_of(tmp_path, small_recipe(Path("someone/else")), base)


@pytest.mark.parametrize(
    ("name", "millions"), [("xlm-roberta-base", 277), ("xlm-roberta-large", 558)]
)
def test_the_known_shapes_have_xlmrs_weights_without_pooler(
    tmp_path: Path, name: str, millions: int
) -> None:
    base = stand_in(f"FacebookAI/{name}@main", None, tmp_path)
    assert base.config is not None
    assert base.tokenizer is None
    bytes_of_all, _ = weight_bytes(base.config, recipe(Full()), {})
    assert bytes_of_all // 4_000_000 == millions
