"""The recipe of each fold: as the whole one, but its target phase does not see the fold."""

from __future__ import annotations

from models.tasks.sets import balanced_copa
from models.training.recipe import Keep, Recipe, RecipeError

TARGET = balanced_copa.TASK.name
WHOLE = "all"
_COPA = (TARGET, "copa")

FOLDS = tuple(range(1, balanced_copa.FOLDS + 1))


def fold_recipe(recipe: Recipe, fold: int) -> Recipe:
    """Return a recipe whose last phase trains on all folds but one.

    Args:
        recipe: its last phase trains on ``balanced-copa/all`` and on nothing else.
        fold: from 1 to 5.

    Raises:
        RecipeError: the recipe trains on something else, or some phase chooses by COPA's items.
    """
    last = len(recipe.phases) - 1
    target = recipe.phases[last]
    if target.training_sets != ((TARGET, WHOLE),):
        raise RecipeError(
            f'phases.{last}.tasks: a cross-validation needs ["{TARGET}/{WHOLE}"], whose folds it '
            "leaves out in turn"
        )
    for number, phase in enumerate(recipe.phases):
        if any(task in _COPA for task, _ in phase.validation_sets) and phase.keep is Keep.BEST:
            raise RecipeError(
                f"phases.{number}.validation: it chooses by items of COPA that a fold holds out; "
                'keep "average" or "last"'
            )
    held_in = target.model_copy(
        update={"tasks": (f"{TARGET}/but-{fold_name(fold)}",), "validation": ()}
    )
    return recipe.model_copy(update={"phases": (*recipe.phases[:last], held_in)})


def fold_name(fold: int) -> str:
    """Return the name of a fold, as the split of the set has it."""
    return f"fold-{fold}"
