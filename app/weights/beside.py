"""Loads models beside those that are served: in processes of their own, all of them anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from app.engine.free_memory import free_memory, memory_of
from app.engine.pool_engines import pool_of, stopping_on_failure
from app.errors import StartError
from app.model_settings.variant_settings import VariantSettings
from app.settings import Settings
from app.weights.checkpoint import Checkpoint
from app.weights.job import AdapterSetting
from app.weights.room import InMemory, check_room
from app.weights.variant import Variant, locate_variant, start_engines


def load_beside(
    settings: Settings,
    wanted: Mapping[str, VariantSettings],
    now: Mapping[str, Variant],
    fresh: Collection[str],
) -> dict[str, Variant]:
    """Load models, if memory suffices for them beside those that are served.

    Args:
        settings: how they compute.
        wanted: all models of the new set.
        now: the models that are served.
        fresh: names whose sources are looked up anew. The others are read from where they were
            read before, and must be what they were.

    Raises:
        NoRoomError: memory would not suffice; nothing was loaded.
        StartError: one cannot be loaded, or one that is not fresh has changed.
    """
    checkpoints = {
        name: locate_variant(name, each, settings.cache_dir)
        if name in fresh or name not in now
        else now[name].checkpoint
        for name, each in wanted.items()
    }
    served = _in_memory(now)
    apart = _apart(checkpoints.values(), settings.adapters, served)
    check_room(list(checkpoints.values()), apart, served, free_memory())
    held = [each.vocabulary for each in now.values()]
    loaded = start_engines(settings, wanted, checkpoints, held, beside=True)
    with stopping_on_failure([each.engine for each in loaded.values()]):
        _refuse_changed(loaded, {name: now[name] for name in now if name not in fresh}, checkpoints)
    return loaded


def _in_memory(now: Mapping[str, Variant]) -> InMemory:
    pool = pool_of(each.engine for each in now.values())
    processes = [] if pool is None else [*pool.templates.pids, *pool.pids.values()]
    return InMemory(
        [each.checkpoint for each in now.values()],
        [each.checkpoint for each in now.values() if each.adapter == "apart"],
        memory_of(processes),
        max(each.working_bytes for each in now.values()),
    )


def _apart(
    wanted: Collection[Checkpoint], setting: AdapterSetting, served: InMemory
) -> list[Checkpoint]:
    """Return those whose adapter will surely stay apart; whether another one will is measured."""
    if setting == "merged":
        return []
    return [
        each
        for each in wanted
        if each.adapter is not None and (setting == "apart" or each in served.apart)
    ]


def _refuse_changed(
    loaded: Mapping[str, Variant],
    kept: Mapping[str, Variant],
    checkpoints: Mapping[str, Checkpoint],
) -> None:
    for name, before in kept.items():
        if name in loaded and loaded[name].revision != before.revision:
            raise StartError(
                f"{checkpoints[name].setting}: the files of {name} have changed since it was "
                f"loaded: revision {before.revision} was, {loaded[name].revision} is there now; "
                f"load {name} as well (parameters.also), or put its files back"
            )
