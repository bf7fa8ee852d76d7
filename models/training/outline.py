"""``xcopa train --dry-run`` where base or sets are not here: what is known without them.

XLM-R's two sizes are known, and the embedded base has their tokenizer. So their runs are counted
exactly before a byte of them is here, if the sets are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from transformers import XLMRobertaConfig

from app.weights.embedded import EMBEDDED_BASE, VOCABULARY, assembled_base
from models.tasks.example import DataError
from models.tasks.reading.hub import is_cached
from models.tasks.registry import find
from models.tasks.task import Task
from models.training.cost import memory, phase_cost
from models.training.forecast import Forecast, memory_said
from models.training.output import check_output, check_work
from models.training.phase import PhaseRun, load_sets
from models.training.prepare import phase_folder
from models.training.recipe import Phase, Recipe
from models.training.rehearsal import described, processes
from models.training.space import weight_bytes

_BASE, _LARGE = (768, 12, 12), (1024, 24, 16)
_KNOWN = {
    "FacebookAI/xlm-roberta-base": _BASE,
    "FacebookAI/xlm-roberta-large": _LARGE,
    "xlm-roberta-base": _BASE,
    "xlm-roberta-large": _LARGE,
}
"""Hidden size, layers and attention heads (Conneau et al. 2020, arXiv 1911.02116)."""

_HUB = "would be fetched from the Hugging Face hub"

Absent = Mapping[str, str]
"""By the name of a set: where a run would fetch it from, or why it cannot be read."""


@dataclass(frozen=True)
class StandIn:
    """What is known of a base."""

    tokenizer: Path | None
    """A directory with its tokenizer, or with the same one."""
    config: XLMRobertaConfig | None
    is_here: bool


@dataclass(frozen=True)
class Folders:
    """Where a run reads and writes."""

    data: Path | None
    """A data directory; None for the hub."""
    work: Path
    out: Path


def absent_sets(recipe: Recipe, data: Path | None) -> Absent:
    """Return the sets that a data directory lacks, or that would be fetched from the hub.

    Raises:
        DataError: there is no such task.
    """
    tasks = [find(name) for phase in recipe.phases for name in _names(phase)]
    found = {task.name: _why_absent(task, data) for task in dict.fromkeys(tasks)}
    return {name: reason for name, reason in found.items() if reason is not None}


def _why_absent(task: Task, data: Path | None) -> str | None:
    if data is None:
        # COPA's test split, which nothing trains on, comes from elsewhere.
        cached = all(is_cached(split) for split in task.hub if split.split != "test")
        return None if cached else f"{_HUB} ({task.hub[0].id})"
    try:
        task.load(data, "train")
    except DataError as error:
        return f"cannot be read: {error}"
    return None


def _names(phase: Phase) -> dict[str, None]:
    return dict.fromkeys(task for task, _ in (*phase.training_sets, *phase.validation_sets))


def stand_in(source: str, directory: Path | None, cache_dir: Path) -> StandIn:
    """Return what is known of a base.

    Args:
        source: as the recipe names it.
        directory: where it is; None if it has to be fetched.
        cache_dir: where the embedded base is kept.
    """
    if directory is not None:
        return StandIn(directory, XLMRobertaConfig.from_pretrained(directory), is_here=True)
    known = _KNOWN.get(source.partition("@")[0])
    if known is None:
        return StandIn(None, None, is_here=False)
    return StandIn(assembled_base(cache_dir), _xlmr(*known), is_here=False)


def _xlmr(hidden: int, layers: int, heads: int) -> XLMRobertaConfig:
    return XLMRobertaConfig(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * hidden,
        max_position_embeddings=514,
        type_vocab_size=1,
    )


def outline(recipe: Recipe, base: StandIn, folders: Folders, absent: Absent) -> Iterator[str]:
    """Say what is missing, and what is known of each phase without it; fetches and writes nothing.

    Yields:
        A line each.

    Raises:
        TrainingError: nothing can be written where the run would write.
        DataError: the data directory lacks a set, which no run would fetch.
    """
    check_work(folders.work)
    check_output(folders.out, folders.work)
    yield f"base: {recipe.base}"
    if not base.is_here:
        embedded = recipe.base == EMBEDDED_BASE
        way = "would be assembled from the package index" if embedded else _HUB
        yield f"missing: {recipe.base} {way}"
    yield from (f"missing: {name} {reason}" for name, reason in absent.items())
    forecast = Forecast(None, processes())
    for number, phase in enumerate(recipe.phases, start=1):
        if absent.keys() & _names(phase) or base.tokenizer is None or base.config is None:
            yield from _sizes(recipe, number, base, folders, absent)
        else:
            yield from _counted(recipe, number, base, folders, forecast)
    if forecast.has_phases:
        yield forecast.left()
    yield "not checked: what is missing, room on the disks, and what lies in --work"
    if absent and folders.data is not None:
        raise DataError(f"{folders.data} lacks {', '.join(absent)}")


def _folders(recipe: Recipe, number: int, work: Path) -> dict[int, Path]:
    """Return the folders of a phase, by the seed that it draws from."""
    seeds = dict.fromkeys(recipe.phase_seeds(seed)[number - 1] for seed in recipe.seeds)
    return {seed: phase_folder(work, number, recipe.phases[number - 1], seed) for seed in seeds}


def _counted(
    recipe: Recipe, number: int, base: StandIn, folders: Folders, forecast: Forecast
) -> Iterator[str]:
    assert base.tokenizer is not None
    assert base.config is not None
    phase = recipe.phases[number - 1]
    sets = load_sets(recipe, phase, base.tokenizer, folders.data)
    for seed, folder in _folders(recipe, number, folders.work).items():
        run = PhaseRun(recipe, phase, seed, base.tokenizer, sets, folder)
        yield described(run, "not checked")
        cost = phase_cost(run, base.config, forecast.processes)
        yield from forecast.lines(cost, is_done=False)


def _sizes(
    recipe: Recipe, number: int, base: StandIn, folders: Folders, absent: Absent
) -> Iterator[str]:
    phase = recipe.phases[number - 1]
    sizes = ", ".join(_size(phase, own, folders.data, absent) for own in phase.training_sets)
    for folder in _folders(recipe, number, folders.work).values():
        yield f"{folder}: {sizes}; steps, tokens and FLOPs are not known"
        if base.config is not None:
            weights, trained = weight_bytes(base.config, recipe, {})
            yield f"  {memory_said(memory(weights, trained, 0, processes()))}"


def _size(phase: Phase, own: tuple[str, str], data: Path | None, absent: Absent) -> str:
    name, split = own
    if name in absent:
        return f"{name} (missing)"
    return f"{name} ({len(find(name).load(data, split)[: phase.max_items]):,})"
