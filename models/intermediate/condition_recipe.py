"""The recipe of a condition: the template with other intermediate sets, or without that phase."""

from __future__ import annotations

from pathlib import Path

from models.intermediate.conditions import Condition
from models.training.recipe import Keep, MaskedText, Phase, Recipe, RecipeError

TEXT_SHARE = 0.2
"""Of the batches of the intermediate phase, where masked text goes beside its sets."""

_QUICK = {"epochs": None, "steps": 2, "evaluations": 1, "max_items": 64}
_PHASES = 2


def check_template(template: Recipe) -> None:
    """Look whether conditions can be made of a recipe, and compared.

    Raises:
        RecipeError: they cannot.
    """
    if len(template.phases) != _PHASES:
        raise RecipeError(
            f"phases: the study needs two, an intermediate one and the target; here are "
            f"{len(template.phases)}"
        )
    if template.phases[0].steps is None:
        raise RecipeError("phases.0.steps: the study needs them: one budget for all conditions")
    for number, phase in enumerate(template.phases):
        if phase.keep is Keep.BEST:
            raise RecipeError(
                f'phases.{number}.keep: the study chooses nothing, so keep "average" or "last"'
            )


def with_steps(template: Recipe, steps: int) -> Recipe:
    """Return a template whose intermediate phase has so many steps."""
    first, target = template.phases
    return template.model_copy(
        update={"phases": (first.model_copy(update={"steps": steps}), target)}
    )


def made_quick(template: Recipe) -> Recipe:
    """Return a template that trains next to nothing, to see that everything works."""
    phases = tuple(phase.model_copy(update=_QUICK) for phase in template.phases)
    return template.model_copy(update={"phases": phases})


def condition_recipe(template: Recipe, condition: Condition, text: Path | None) -> Recipe:
    """Return the recipe of a condition. Nothing is validated, since nothing is chosen.

    Args:
        template: an intermediate phase, whose sets are replaced, and the target.
        condition: says the sets.
        text: what is masked, where the condition has text.
    """
    first, target = (phase.model_copy(update={"validation": ()}) for phase in template.phases)
    phases = (_intermediate(first, condition, text), target) if condition.sets else (target,)
    name = f"{template.name}-{condition.name.replace('+', '-')}"
    return template.model_copy(update={"name": name, "phases": phases})


def _intermediate(phase: Phase, condition: Condition, text: Path | None) -> Phase:
    masked = None
    if condition.text:
        assert text is not None
        masked = MaskedText(files=(text,), share=TEXT_SHARE)
    return phase.model_copy(update={"tasks": condition.sets, "masked_text": masked})
