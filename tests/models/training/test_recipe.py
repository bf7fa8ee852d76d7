"""Recipes: the committed ones are valid and tell the same story; wrong ones name the field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from models.training.recipe import Phase, RecipeError, load_recipe
from tests.models.training import networks

RECIPES = Path(__file__).resolve().parents[3] / "models" / "recipes"
KINDS = ("direct", "stilts")
OWN = Path(__file__).with_name("recipe.toml")


@pytest.mark.parametrize("prefix", ["", "base-", "large-"])
def test_stilts_is_direct_with_intermediate_tasks_before_it(prefix: str) -> None:
    direct, stilts = (load_recipe(RECIPES / f"{prefix}{name}.toml") for name in KINDS)
    assert len(direct.phases) == 1
    [target] = direct.phases
    assert stilts.phases[-1].model_copy(update={"head": target.head}) == target
    intermediate = {task for phase in stilts.phases[:-1] for task in phase.tasks}
    assert intermediate
    assert not {task.partition("/")[0] for task in intermediate} & {"copa", "balanced-copa"}
    assert (direct.name, stilts.name) == tuple(f"{prefix}{name}" for name in KINDS)
    own: Mapping[str, bool | set[str]] = {"name": True, "phases": True, "publish": {"temperature"}}
    assert direct.model_dump(exclude=own) == stilts.model_dump(exclude=own)


@pytest.mark.parametrize("kind", KINDS)
def test_base_and_large_differ_in_what_their_sources_say_of_the_size(kind: str) -> None:
    base, large = (load_recipe(RECIPES / f"{size}-{kind}.toml") for size in ("base", "large"))
    assert (base.base, large.base) == tuple(
        f"FacebookAI/xlm-roberta-{size}" for size in ("base", "large")
    )
    same = {"name", "base", "phases"}
    assert base.model_dump(exclude=same) == large.model_dump(exclude=same)
    batches = {"learning_rate", "batch_tokens", "accumulation"}
    for ours, theirs in zip(base.phases, large.phases, strict=True):
        assert ours.model_dump(exclude=batches) == theirs.model_dump(exclude=batches)
        step = ours.batch_tokens * ours.accumulation
        assert step == theirs.batch_tokens * theirs.accumulation


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (("epochs = 5", "epochs = 0"), "phases.0.epochs"),
        (("epochs = 5", "epoch = 5"), "phases.0.epoch is no field .* nearest is epochs$"),
        (("seeds = [", "sead = ["), "sead is no field of a recipe; the nearest is seeds$"),
        (("rank = 32", "rnk = 32"), "tuning.lora.rnk is no field .* nearest is rank$"),
        (("cause =", "couse ="), "prompt.couse is no field of a recipe; the nearest is cause$"),
        (
            ("epochs = 5", "epochs = 5\nsteps = 9"),
            "phases.0: epochs, steps: a phase has exactly one of the two, here both$",
        ),
        (
            ("epochs = 5", ""),
            "phases.0: epochs, steps: a phase has exactly one of the two, here neither$",
        ),
        (("epochs = 5", "steps = 0"), "phases.0.steps: Input should be greater than 0"),
        (("epochs = 5", "steps = 2.5"), "phases.0.steps: Input should be a valid integer"),
        (("epochs = 5", "epochs = inf"), "phases.0.epochs: Input should be a finite number"),
        (("learning_rate = 3e-4", "learning_rate = nan"), "phases.0.learning_rate: .* finite"),
        (("alpha = 64", "alpha = inf"), "tuning.lora.alpha: Input should be a finite number"),
        (("weight_decay = 0.01", "weight_decay = inf"), "weight_decay: .* finite number"),
        (("seeds = [1, ", "seeds = [-1, "), "seeds.0: .* greater than or equal to 0"),
        (("seeds = [1, ", "seeds = [4294967296, "), "seeds.0: .* less than 4294967296"),
        (("seeds = [1, ", "seeds = [2, "), "each may occur only once"),
        (("rank = 32", "rank = 'many'"), "tuning.lora.rank"),
        (('method = "lora"', 'method = "prefix"'), "tuning"),
        (('keep = "best"', 'keep = "worst"'), "phases.0.keep"),
        (("precision =", "precision = ="), "not TOML"),
        (
            ('validation = ["balanced-copa"]', 'validation = ["xcopa"]'),
            "phases.0: validation: xcopa is what models are measured on",
        ),
        (
            ('validation = ["balanced-copa"]', 'validation = ["copa/test"]'),
            "copa/test is a test split, so it cannot be used for validation",
        ),
        (
            ('validation = ["balanced-copa"]', 'validation = ["piqa/test"]'),
            "piqa/test is a test split",
        ),
        (
            ('validation = ["balanced-copa"]', 'validation = ["balanced-copa/vall"]'),
            "phases.0.validation: balanced-copa/vall is not known to be apart from balanced-copa/",
        ),
        (
            ('validation = ["balanced-copa"]', 'validation = ["balanced-copa/train"]'),
            "apart from balanced-copa/train, which this or an earlier phase trains on",
        ),
        (
            ('validation = ["balanced-copa"]', 'validation = ["balanced-copa/mirror"]'),
            "apart from balanced-copa/train, which this or an earlier phase trains on",
        ),
        (
            ('validation = ["balanced-copa"]', 'validation = ["copa/train"]'),
            "copa/train is not known to be apart from balanced-copa/train",
        ),
    ],
)
def test_a_wrong_recipe_names_the_field(
    tmp_path: Path, change: tuple[str, str], field: str
) -> None:
    text = OWN.read_text("utf-8")
    assert change[0] in text
    path = tmp_path / "wrong.toml"
    path.write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(RecipeError, match=field) as refused:
        load_recipe(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("part", ["masked_text = { file = ['a'], share = 0.1 }", "head_ = 'keep'"])
def test_a_misspelt_key_is_named_at_any_depth(tmp_path: Path, part: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(OWN.read_text("utf-8") + part + "\n", "utf-8")
    with pytest.raises(RecipeError, match=r"the nearest is (files|head)$"):
        load_recipe(path)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_recipe_that_is_not_utf_8_is_told(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes('name = "é"'.encode(encoding))
    with pytest.raises(RecipeError, match="is not UTF-8"):
        load_recipe(path)


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(b"\xef\xbb\xbf" + OWN.read_bytes())
    assert load_recipe(path) == load_recipe(OWN)


def test_paths_of_a_recipe_hold_in_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is published names its base; the service starts elsewhere."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base").mkdir()
    text = OWN.read_text("utf-8")
    text = text.replace("embedded:multilingual-e5-small", "base")
    (tmp_path / "own.toml").write_text(
        text + 'masked_text = { files = ["a.txt", "/b.txt"], share = 0.1 }\n', "utf-8"
    )
    recipe = load_recipe(Path("own.toml"))
    assert recipe.base == str(tmp_path / "base")
    [phase] = recipe.phases
    assert phase.masked_text is not None
    assert phase.masked_text.files == (tmp_path / "a.txt", Path("/b.txt"))


def test_what_is_no_folder_stays_the_name_of_a_base() -> None:
    assert load_recipe(OWN).base == "embedded:multilingual-e5-small"


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"tasks": ("copa/test",)}, "tasks: copa/test is a test split, so nothing may learn it"),
        ({"tasks": ("copa", "copa/val")}, "tasks: copa may occur only once"),
        (
            {"tasks": ("balanced-copa/all",), "validation": ("copa",)},
            "copa/val is not known to be apart from balanced-copa/all",
        ),
        (
            {"tasks": ("balanced-copa/but-fold-1",), "validation": ("balanced-copa/fold-2",)},
            "balanced-copa/fold-2 is not known to be apart from balanced-copa/but-fold-1",
        ),
        (
            {"validation": ()},
            'validation: keep = "best" chooses by it; name a set, or keep "last" or "average"',
        ),
    ],
)
def test_nothing_learns_what_it_is_measured_on(changes: dict[str, object], refused: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(refused)):
        networks.recipe(phases=(networks.phase(**changes),))


def test_a_fold_is_apart_from_the_four_others() -> None:
    phase = networks.phase(
        tasks=("balanced-copa/but-fold-3",), validation=("balanced-copa/fold-3",)
    )
    assert networks.recipe(phases=(phase,)).phases[0].training_sets == (
        ("balanced-copa", "but-fold-3"),
    )


def phases(*runs: int | None) -> tuple[Phase, ...]:
    return tuple(networks.phase(runs=own) for own in runs)


def test_seeds_take_turns_at_the_runs_of_a_phase() -> None:
    recipe = networks.recipe(seeds=(5, 6, 7, 8, 9), phases=phases(1, 2, None))
    assert [recipe.phase_seeds(seed) for seed in recipe.seeds] == [
        (5, 5, 5),
        (5, 6, 6),
        (5, 5, 7),
        (5, 6, 8),
        (5, 5, 9),
    ]


@pytest.mark.parametrize(
    ("runs", "refused"),
    [
        ((4, None), "phases.0.runs: there are 3 seeds"),
        ((None, 1), "phases.1.runs: a phase cannot run less often than the one before it"),
        ((2, 3, None), None),
        ((1, 2, None), None),
    ],
)
def test_a_phase_runs_at_least_as_often_as_the_one_before(
    runs: tuple[int | None, ...], refused: str | None
) -> None:
    if refused is None:
        networks.recipe(seeds=(1, 2, 3), phases=phases(*runs))
        return
    with pytest.raises(ValidationError, match=re.escape(refused)):
        networks.recipe(seeds=(1, 2, 3), phases=phases(*runs))


def test_runs_that_cannot_take_turns_are_refused() -> None:
    refused = "phases.1.runs: 3 runs cannot take turns at 2"
    with pytest.raises(ValidationError, match=re.escape(refused)):
        networks.recipe(seeds=(1, 2, 3, 4), phases=phases(2, 3, None))


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        (
            {"phases": (networks.phase(validation=(), keep="last"),)},
            'publish.what: "best" of several seeds is chosen by the validation of the last phase, '
            'which has none; name a set, or publish "average"',
        ),
        (
            {"publish": {"what": "average"}},
            'publish.what: "average" needs start, since weights that began apart have no useful '
            "mean",
        ),
        ({"publish": {"rank": 8}}, "publish.rank: is of an averaged adapter alone"),
    ],
)
def test_what_is_published_must_be_possible(changes: dict[str, object], refused: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(refused)):
        networks.recipe(seeds=(1, 2), **changes)


def test_a_missing_recipe_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot read"):
        load_recipe(tmp_path / "none.toml")
