"""The recipes for XLM-R train from the first phase to a served model, on their shape made tiny."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from accelerate.state import AcceleratorState

from app.weights.variant import load_variants
from models.training.prepare import TrainingRun
from models.training.recipe import Phase, Recipe, load_recipe
from models.training.rehearsal import rehearse
from tests import tiny
from tests.models.training import data
from tests.models.training.small import go
from tests.models.training.test_recipe import RECIPES

LAYERS = {"base": 12, "large": 24}
HEADS = {"base": 12, "large": 16}
SETS = {"balanced-copa": "copa", "balanced-copa/train": "socialiqa"}
"""Instead of those that the invented data lacks; COPA's own training items choose nothing."""


def written(folder: Path, size: str) -> Path:
    """Write an encoder with the layers and attention heads of a size, two channels a head."""
    hidden = 2 * HEADS[size]
    shape = {"hidden_size": hidden, "intermediate_size": 4 * hidden}
    layers = {"num_hidden_layers": LAYERS[size], "num_attention_heads": HEADS[size]}
    model = tiny.drawn_multiple_choice(1, **shape, **layers).roberta
    model.pooler = None
    model.save_pretrained(folder)
    tiny.tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def short(phase: Phase) -> Phase:
    """Return a phase as it is, on sets that are there and with few of their items."""
    there = [name for name in phase.tasks if name == "socialiqa"] or ["copa"]
    chosen = [SETS.get(name, name) for name in phase.validation]
    few = {"tasks": there, "validation": tuple(dict.fromkeys(chosen)), "max_items": 6, "epochs": 2}
    return Phase.model_validate({**phase.model_dump(), **few, "evaluations": 1})


def short_recipe(name: str, base: Path) -> Recipe:
    recipe = load_recipe(RECIPES / f"{name}.toml")
    phases = tuple(map(short, recipe.phases))
    return recipe.model_copy(update={"base": str(base), "seeds": (1,), "phases": phases})


def run_of(folder: Path, name: str) -> TrainingRun:
    base = written(folder / "base", name.partition("-")[0])
    recipe = short_recipe(name, base)
    return TrainingRun(
        recipe, base, data.write(folder / "data"), folder / "work", folder / "made" / "out"
    )


@pytest.fixture(autouse=True)
def _own_precision() -> Iterator[None]:
    """Accelerate keeps the precision of a process; other tests train in fp32 in this one."""
    AcceleratorState._reset_state()
    yield
    AcceleratorState._reset_state()


SLOW = [
    pytest.param(name, marks=pytest.mark.slow)
    for name in ("base-stilts", "large-direct", "large-stilts")
]


@pytest.mark.parametrize("name", ["base-direct", *SLOW])
def test_a_recipe_for_xlmr_ends_in_a_model_that_is_served(tmp_path: Path, name: str) -> None:
    run = run_of(tmp_path, name)
    *_, room = rehearse(run)
    assert "MB more, of " in room
    assert len(go(run)) == len(run.recipe.phases)
    served = load_variants({"direct": str(run.out)}, Path())["direct"]
    first, second = served.engine.logits([[0, 5, 6, 2, 2, 7, 2], [0, 5, 6, 2, 2, 8, 2]])
    assert first != second
    config = json.loads((run.out / "config.json").read_text("utf-8"))
    assert config["num_hidden_layers"] == LAYERS[name.partition("-")[0]]
    record = json.loads((run.out / "training.json").read_text("utf-8"))
    assert record["recipe"]["tuning"] == {"method": "full", "embeddings": True}
    assert [phase["steps"] > 0 for phase in record["phases"]] == [True] * len(run.recipe.phases)
