"""Balanced COPA (Kavumba et al. 2019): a mirror of each of COPA's items 1 to 500.

Item 1000 + n has the choices of item n and a premise that makes the other choice right, so the
words of a choice alone say nothing. Twins are always in the same split: 1-400 and 1001-1400 are
``train``, 401-500 and 1401-1500 are ``val``, and ``all`` has both. ``mirror`` has 1001 to 1500
alone, in order, for the evaluation. ``fold-1`` to ``fold-5`` divide all items for a
cross-validation, by the remainder of their number; ``but-fold-1`` has those of the other four. In
241 of the first 500 items the choices are in the other order than in COPA, and so are the labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from models.tasks.example import DataError, Example, Head
from models.tasks.reading.hub import HubSplit
from models.tasks.reading.numbered import refuse_twice, some
from models.tasks.reading.row import DataRow
from models.tasks.reading.xml_items import xml_rows
from models.tasks.sets import copa
from models.tasks.shapes.causal import causal
from models.tasks.task import Task

FILE = Path("balanced-copa") / "balacopa-dev-all.xml"
ON_HUB = HubSplit(copa.BALANCED_ON_HUB, "train", revision=copa.BALANCED_REVISION)

FOLDS = 5

_ALL = (*range(1, 501), *range(1001, 1501))


def _fold(number: int) -> int:
    """Return the fold of an item, counted from 1; twins, 1000 apart, are in the same one."""
    return (number - 1) % FOLDS + 1


_NUMBERS = {
    "train": [*range(1, 401), *range(1001, 1401)],
    "val": [*range(401, 501), *range(1401, 1501)],
    "mirror": [*range(1001, 1501)],
    "all": [*_ALL],
    **{f"fold-{k}": [n for n in _ALL if _fold(n) == k] for k in range(1, FOLDS + 1)},
    **{f"but-fold-{k}": [n for n in _ALL if _fold(n) != k] for k in range(1, FOLDS + 1)},
}


def load(data: Path | None, split: str) -> list[Example]:
    """Load a split, in the order of the items' numbers.

    Raises:
        DataError: no such split; the file is missing or the hub out of reach; a row is wrong; or
            the items are not 1 to 500 and 1001 to 1500.
    """
    if split not in _NUMBERS:
        raise DataError(f"balanced-copa has no split {split!r}; it has {', '.join(_NUMBERS)}")
    items = load_numbered(data)
    return [items[number] for number in _NUMBERS[split]]


def numbers(split: str) -> list[int]:
    """Return the numbers of the items of a split, in its order."""
    return list(_NUMBERS[split])


def load_numbered(data: Path | None) -> dict[int, Example]:
    """Load every item by its number; raises DataError as ``load`` does."""
    if data is None:
        return _numbered(ON_HUB.rows(), copa.make)
    return _numbered(xml_rows(data / FILE), make_xml)


make_xml = causal(
    premise="p",
    choice1="a1",
    choice2="a2",
    question="asks-for",
    label="most-plausible-alternative",
    first_label=1,
)


def place(data: Path | None) -> str:
    """Name where the items are: the file, or the hub's name of it."""
    return f"{ON_HUB.id}, {ON_HUB.split}" if data is None else str(data / FILE)


def _numbered(rows: Iterable[DataRow], make: Callable[[DataRow], Example]) -> dict[int, Example]:
    found: dict[int, DataRow] = {}
    for row in rows:
        number = row.index("id", count=1501)
        if number in found:
            raise refuse_twice(number, row, found[number])
        found[number] = row
    wanted = {number for split in _NUMBERS.values() for number in split}
    items = {number: make(row) for number, row in found.items()}
    if items.keys() != wanted:
        missing = sorted(wanted - items.keys())
        raise DataError(
            f"Balanced COPA has the items 1 to 500 and 1001 to 1500, and here are {len(items)}, "
            f"{len(missing)} of those missing: {some(missing)}"
        )
    return items


TASK = Task(
    name="balanced-copa",
    title="Balanced COPA",
    paper="Kavumba et al. 2019, arXiv 1911.00225",
    licence="MIT",
    head=Head.MULTIPLE_CHOICE,
    hub=(ON_HUB,),
    load=load,
)
