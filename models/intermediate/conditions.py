"""The conditions that are compared: what a model learns before the target task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.tasks.example import DataError

NONE = "none"
"""The target task alone: what every other condition is compared with."""

ALL = "all"
TEXT = "+text"
"""Ends the name of a condition that has masked multilingual text beside its sets."""


@dataclass(frozen=True)
class Condition:
    """What the intermediate phase trains on."""

    name: str
    sets: tuple[str, ...]
    """None: there is no such phase."""
    text: bool = False
    """Whether masked multilingual text goes beside the sets."""


def all_conditions(sets: Sequence[str], has_text: bool) -> tuple[Condition, ...]:
    """Return the conditions of the study, in the order in which they are run.

    Args:
        sets: that are at hand.
        has_text: whether there is a text to mask.
    """
    return tuple(_conditions(tuple(sets), has_text))


def _conditions(sets: tuple[str, ...], has_text: bool) -> Iterator[Condition]:
    yield Condition(NONE, ())
    yield from (Condition(name, (name,)) for name in sets)
    if sets:
        yield Condition(ALL, sets)
        if has_text:
            yield Condition(ALL + TEXT, sets, text=True)


def chosen(names: Sequence[str], sets: Sequence[str], has_text: bool) -> tuple[Condition, ...]:
    """Return conditions by their names; each set may have the text beside it as well.

    Raises:
        DataError: there is no such condition; lists those there are.
    """
    known = {each.name: each for each in all_conditions(sets, has_text)}
    for each in list(known.values()):
        if has_text and each.sets and not each.text:
            name = each.name + TEXT
            known.setdefault(name, Condition(name, each.sets, text=True))
    for name in names:
        if name not in known:
            raise DataError(f"there is no condition {name!r}; there are {', '.join(known)}")
    return tuple(known[name] for name in dict.fromkeys(names))
