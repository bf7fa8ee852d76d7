"""Balanced COPA (Kavumba et al. 2019): a mirror of each of COPA's items 1 to 500.

Item 1000 + n has the choices of item n and a premise that makes the other choice right, so the
words of a choice alone say nothing. Twins are always in the same split: 1-400 and 1001-1400 are
``train``, 401-500 and 1401-1500 are ``val``. ``mirror`` has 1001 to 1500 alone, in order, for the
evaluation. In 241 of the first 500 items the choices are in the other order than in COPA, and so
are the labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from models.tasks.example import DataError, Example, Head
from models.tasks.reading.files import require
from models.tasks.reading.hub import HubSplit
from models.tasks.reading.row import DataRow
from models.tasks.sets import copa
from models.tasks.shapes.causal import causal
from models.tasks.task import Task

FILE = Path("balanced-copa") / "balacopa-dev-all.xml"
ON_HUB = HubSplit(copa.BALANCED_ON_HUB, "train", revision=copa.BALANCED_REVISION)

_NUMBERS = {
    "train": [*range(1, 401), *range(1001, 1401)],
    "val": [*range(401, 501), *range(1401, 1501)],
    "mirror": [*range(1001, 1501)],
}


def load(data: Path | None, split: str) -> list[Example]:
    """Load ``train``, ``val`` or ``mirror``, in the order of the items' numbers.

    Raises:
        DataError: no such split; the file is missing or the hub out of reach; a row is wrong; or
            the items are not 1 to 500 and 1001 to 1500.
    """
    if split not in _NUMBERS:
        raise DataError(f"balanced-copa has no split {split!r}; it has {', '.join(_NUMBERS)}")
    items = load_numbered(data)
    return [items[number] for number in _NUMBERS[split]]


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


def xml_rows(path: Path) -> Iterator[DataRow]:
    """Read a file in the format that COPA itself was published in.

    Raises:
        DataError: the file is missing, or is not XML.
    """
    require(path)
    try:
        items = ET.parse(path).getroot()  # noqa: S314 -- the user's own file; expat bounds entities
    except ET.ParseError as error:
        raise DataError(f"{path} is not XML: {error}") from error
    for item in items:
        texts = {child.tag: child.text for child in item}
        yield DataRow(f"{path}, item {item.get('id')}", {**item.attrib, **texts})


def _numbered(rows: Iterable[DataRow], make: Callable[[DataRow], Example]) -> dict[int, Example]:
    items = {row.index("id", count=1501): make(row) for row in rows}
    wanted = {number for split in _NUMBERS.values() for number in split}
    if items.keys() != wanted:
        raise DataError(
            f"Balanced COPA has the items 1 to 500 and 1001 to 1500, and here are {len(items)}, "
            f"{len(wanted - items.keys())} of those missing"
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
