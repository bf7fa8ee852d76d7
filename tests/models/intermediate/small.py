"""A study that takes seconds: a tiny base, invented data, few steps."""

from __future__ import annotations

from pathlib import Path

from models.intermediate.command import TEMPLATE
from models.training.recipe import LowRank, Recipe, load_recipe
from tests.models.tasks.invented_causal import write_measured
from tests.models.training import data

SETS = ("socialiqa", "mnli", "squad2")
"""Those of the study that are there."""


def write_data(folder: Path) -> Path:
    """Write what is measured, three intermediate sets, and a text to mask."""
    data.write(folder)
    return write_measured(folder, items=5)


def template(base: Path) -> Recipe:
    """Return the template that ships, made small."""
    recipe = load_recipe(TEMPLATE)
    first, target = recipe.phases
    first = first.model_copy(update={"steps": 4, "batch_tokens": 300, "evaluations": 2})
    few = {
        "epochs": None,
        "steps": 3,
        "evaluations": 3,
        "batch_tokens": 200,
        "max_items": 30,
        "learning_rate": 3e-2,
    }
    return recipe.model_copy(
        update={
            "base": str(base),
            "seeds": (1, 2),
            "precision": "fp32",
            "tuning": LowRank(rank=2, alpha=4),
            "phases": (first, target.model_copy(update=few)),
        }
    )
