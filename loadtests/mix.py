"""What a load test sends: which languages, lengths, variants and sizes, and how often each."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from app.model_settings.names import check_name
from app.settings import VARIANTS
from loadtests.items import ItemFields

T = TypeVar("T", int, str)

MOST_TIMES, MOST_ITEMS = 64, 1024
FEWEST_CHOICES, MOST_CHOICES = 2, 32


class MixError(Exception):
    """A mix cannot be read or sent; says in one line what is wrong."""


@dataclass(frozen=True)
class RequestMix:
    """Draws requests. Every number is a weight: how often its key comes, compared with others."""

    items: Mapping[str, Sequence[ItemFields]]
    """By language; each language comes as often as any other."""
    lengths: Mapping[int, float]
    """How many times the premise is said: 1 is the item as it is."""
    variants: Mapping[str, float]
    sizes: Mapping[int, float]
    """Items of a batch."""
    choices: Mapping[int, float]
    """Choices of a ranking."""

    def item(self, chance: random.Random) -> ItemFields:
        """Draw a language first, so that each is asked in as often as the others."""
        item = self._any(chance)
        return {**item, "premise": " ".join([item["premise"]] * _drawn(self.lengths, chance))}

    def single(self, chance: random.Random) -> dict[str, Any]:
        """Return the body of a request for one item."""
        return {**self.item(chance), "model": _drawn(self.variants, chance)}

    def batch(self, chance: random.Random) -> dict[str, Any]:
        """Return the body of a request for several items."""
        count = _drawn(self.sizes, chance)
        items = [self.item(chance) for _ in range(count)]
        return {"items": items, "model": _drawn(self.variants, chance)}

    def ranking(self, chance: random.Random) -> dict[str, Any]:
        """Return the body of a request that ranks choices: its own two, and those of others."""
        item, count = self.item(chance), _drawn(self.choices, chance)
        choices = [item["choice1"], item["choice2"]][:count]
        while len(choices) < count:
            choices.append(self._any(chance)[chance.choice(("choice1", "choice2"))])
        return {
            "premise": item["premise"],
            "question": item["question"],
            "choices": choices,
            "model": _drawn(self.variants, chance),
        }

    def _any(self, chance: random.Random) -> ItemFields:
        return chance.choice(self.items[chance.choice(list(self.items))])


def read_mix(
    items: Mapping[str, Sequence[ItemFields]],
    languages: str = "",
    lengths: str = "1",
    variants: str = "",
    sizes: str = "8",
    choices: str = "4",
) -> RequestMix:
    """Read a mix as options say it: values and weights such as ``1:8,4:1``.

    Args:
        items: by language, those that there are.
        languages: names with commas between; all of them if it is empty.
        lengths, variants, sizes, choices: see ``RequestMix``; a weight that is left out is 1.

    Raises:
        MixError: one of them cannot be read.
    """
    return RequestMix(
        _languages(items, languages),
        weights("lengths", lengths, _whole(1, MOST_TIMES)),
        weights("variants", variants or ",".join(VARIANTS), _variant),
        weights("batch-sizes", sizes, _whole(1, MOST_ITEMS)),
        weights("choices", choices, _whole(FEWEST_CHOICES, MOST_CHOICES)),
    )


def weights(option: str, text: str, value: Callable[[str], T]) -> dict[T, float]:
    """Read values and their weights, such as ``1:8,4:1``.

    Args:
        option: named in an error.
        text: values with commas between; a weight follows a colon, and is 1 without one.
        value: reads a value; raises ``ValueError`` with the values that there are.

    Raises:
        MixError: a value or a weight cannot be read, or all weights are 0.
    """
    found: dict[T, float] = {}
    for part in text.split(","):
        name, _, weight = part.strip().partition(":")
        try:
            number = float(weight or 1)
            if not 0 <= number < math.inf:
                raise ValueError("a weight is 0 at least")
            found[value(name)] = number
        except ValueError as error:
            raise MixError(f"--{option} {text}: {part.strip()!r}: {error}") from error
    if not sum(found.values()):
        raise MixError(f"--{option} {text}: all weights are 0")
    return found


def _languages(
    items: Mapping[str, Sequence[ItemFields]], text: str
) -> dict[str, Sequence[ItemFields]]:
    names = [name.strip() for name in text.split(",")] if text else list(items)
    for name in names:
        if name not in items:
            raise MixError(f"--languages {text}: {name!r} is not one of {', '.join(items)}")
    return {name: items[name] for name in names}


def _variant(name: str) -> str:
    return check_name(name)


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ValueError(f"it is a whole number from {least} to {most}")
        return int(text)

    return read


def _drawn(weighted: Mapping[T, float], chance: random.Random) -> T:
    return chance.choices(list(weighted), list(weighted.values()))[0]
