"""Which comparisons this machine and these models can run, and why not the others."""

from __future__ import annotations

from collections.abc import Sequence

from app.engine.adapted import adapted_layers
from app.engine.free_memory import free_memory
from app.engine.target import choose_target
from app.errors import StartError
from app.settings import Settings
from app.weights.loading import load_model
from loadtests.study.side import Comparison, Side
from loadtests.study.works import checkpoint_of_side

_BYTES = {"base": 3e9, "large": 6e9}
"""Of memory that a larger shape takes while it is run, in fp32: 2.2 and 4.2 GB at its fullest, on
two cores, and some room."""


def runnable(
    comparisons: Sequence[Comparison], settings: Settings
) -> tuple[list[Comparison], dict[str, str]]:
    """Return those that can be run, and by name why the others cannot.

    Raises:
        StartError: a model is missing.
    """
    sides = {side for each in comparisons for side in (each.first, each.second)}
    found = {side: _problem(side, settings) for side in sides}
    problems = {each.name: found[each.first] or found[each.second] for each in comparisons}
    kept = [each for each in comparisons if not problems[each.name]]
    return kept, {name: why for name, why in problems.items() if why}


def _problem(side: Side, settings: Settings) -> str:
    if side.precision == "bf16":
        return _of_bf16()
    if side.model in _BYTES:
        return _of_memory(side.model)
    return _of_adapter(side.model, settings) if side.how.endswith("adapter apart") else ""


def _of_bf16() -> str:
    try:
        choose_target("cpu", "bf16")
    except StartError as error:
        return str(error)
    return ""


def _of_memory(shape: str) -> str:
    free, needed = free_memory(), _BYTES[shape]
    if free is None or free >= needed:
        return ""
    return f"XLM-R {shape} takes {needed / 1e9:g} GB of memory, and {free / 1e9:.1f} GB are free"


def _of_adapter(model: str, settings: Settings) -> str:
    checkpoint = checkpoint_of_side(model, settings)
    if checkpoint.adapter is None:
        return f"{model} is a whole checkpoint, without an adapter to keep apart"
    if not adapted_layers(load_model(checkpoint, apart=True)):
        return f"the adapter of {model} is more than LoRA on linear layers, and so it is merged"
    return ""
