"""The recipes of conditions differ in what they learn first, and in nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models.intermediate.command import TEMPLATE
from models.intermediate.condition_recipe import (
    TEXT_SHARE,
    check_template,
    condition_recipe,
    made_quick,
    with_steps,
)
from models.intermediate.conditions import Condition
from models.training.recipe import Keep, MaskedText, Recipe, RecipeError, load_recipe

RECIPE = load_recipe(TEMPLATE)
NONE = Condition("none", ())
BOTH = Condition("all+text", ("ecare", "mnli"), text=True)


def test_the_template_that_ships_has_one_budget_and_chooses_nothing() -> None:
    check_template(RECIPE)
    first, target = RECIPE.phases
    assert (first.steps, first.runs) == (125, 1)
    assert (target.tasks, target.keep) == (("balanced-copa",), Keep.AVERAGE)
    assert RECIPE.seeds == (1, 2, 3)


def test_the_target_is_the_same_in_all_conditions() -> None:
    alone, after = (condition_recipe(RECIPE, each, Path("text")) for each in (NONE, BOTH))
    assert alone.phases == after.phases[1:]
    same = {"name", "phases"}
    assert alone.model_dump(exclude=same) == after.model_dump(exclude=same)
    assert (alone.name, after.name) == ("intermediate-none", "intermediate-all-text")
    Recipe.model_validate({**alone.model_dump(), "seeds": (1,)})


def test_nothing_is_validated() -> None:
    assert [phase.validation for phase in condition_recipe(RECIPE, BOTH, Path()).phases] == [(), ()]


def test_the_intermediate_phase_has_the_sets_and_the_text() -> None:
    first, _ = condition_recipe(RECIPE, BOTH, Path("text")).phases
    assert first.tasks == ("ecare", "mnli")
    assert first.masked_text == MaskedText(files=(Path("text"),), share=TEXT_SHARE)
    plain, _ = condition_recipe(RECIPE, Condition("ecare", ("ecare",)), Path("text")).phases
    assert plain.masked_text is None


def test_another_budget_is_of_the_intermediate_phase_alone() -> None:
    found = with_steps(RECIPE, 7)
    assert [phase.steps for phase in found.phases] == [7, None]
    assert found.phases[1] == RECIPE.phases[1]


def test_a_quick_study_has_two_steps_a_phase() -> None:
    assert [(phase.steps, phase.epochs) for phase in made_quick(RECIPE).phases] == [(2, None)] * 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"phases": RECIPE.phases[:1]},
            "phases: the study needs two, an intermediate one and the target; here are 1",
        ),
        (
            {"phases": (RECIPE.phases[1], RECIPE.phases[1])},
            "phases.0.steps: the study needs them: one budget for all conditions",
        ),
        (
            {"phases": (RECIPE.phases[0].model_copy(update={"keep": Keep.BEST}), RECIPE.phases[1])},
            'phases.0.keep: the study chooses nothing, so keep "average" or "last"',
        ),
    ],
)
def test_a_template_that_compares_nothing_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(RecipeError, match=f"^{re.escape(said)}$"):
        check_template(RECIPE.model_copy(update=change))
