"""Which comparisons this machine and these models can run, and why not the others."""

from __future__ import annotations

from collections.abc import Sequence

from app.engine.target import choose_target
from app.errors import StartError
from app.settings import Settings
from loadtests.study.side import Comparison, Side
from loadtests.study.works import checkpoint_of_side


def runnable(
    comparisons: Sequence[Comparison], settings: Settings
) -> tuple[list[Comparison], dict[str, str]]:
    """Return those that can be run, and by name why the others cannot.

    Raises:
        StartError: a model is missing.
    """
    problems = {
        each.name: _problem(each.first, settings) or _problem(each.second, settings)
        for each in comparisons
    }
    kept = [each for each in comparisons if not problems[each.name]]
    return kept, {name: why for name, why in problems.items() if why}


def _problem(side: Side, settings: Settings) -> str:
    if side.precision == "bf16":
        try:
            choose_target("cpu", "bf16")
        except StartError as error:
            return str(error)
    if side.how != "transformers with its adapter apart":
        return ""
    if checkpoint_of_side(side.model, settings).adapter is not None:
        return ""
    return f"{side.model} is a whole checkpoint, without an adapter to keep apart"
