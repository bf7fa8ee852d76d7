"""The items of a file of one's own, in COPA's or XCOPA's format: a set for each language."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from app.engine.tokenizer import CausalItem
from models.evaluation.ask.items import ItemSet, ItemSets, SetKey
from models.evaluation.ask.translations import labels_of, unpaired
from models.tasks.example import DataError, Example
from models.tasks.reading.files import comma_separated, json_lines
from models.tasks.reading.numbered import refuse_twice
from models.tasks.reading.row import DataRow
from models.tasks.reading.xml_items import xml_rows
from models.tasks.sets import balanced_copa, copa

log = logging.getLogger(__name__)

LANGUAGE = "language"
"""The field that parts the rows of a file."""

_MOST_DIGITS = 18
"""Of a number: what fits 64 bits, as the arrays of a report have them."""


def collect_file(path: Path) -> ItemSets:
    """Read a file whose rows are JSON lines, CSV or, as COPA itself was published, XML.

    Rows with a ``language`` make a set for each; without, all make one that is named after the
    file. A row's number is its ``idx`` where every row of a set has one, else its place.
    Languages whose items cannot be paired are named in the log.

    Raises:
        DataError: the file is missing, a row is wrong or lacks its label, there is no row, or
            two rows of a set have the same number.
    """
    if not path.is_file():
        raise DataError(f"--items {path} does not exist, or is no file")
    rows: dict[str, list[tuple[DataRow, Example]]] = {}
    parted: bool | None = None
    for row, example in _examples(path):
        parted = LANGUAGE in row.fields if parted is None else parted
        if (LANGUAGE in row.fields) != parted:
            raise row.error(LANGUAGE, "must be in all rows of a file or in none")
        rows.setdefault(_language(row) if parted else path.stem, []).append((row, example))
    if not rows:
        raise DataError(f"{path} has no items")
    found = {_key(path, language): _item_set(own) for language, own in rows.items()}
    labels = {key.language: labels_of(own.ids, own.labels) for key, own in found.items()}
    if problem := unpaired(labels):
        log.warning("%s: %s, so there is no mean over its languages", path, problem)
    return found


def _language(row: DataRow) -> str:
    return " ".join(row.text(LANGUAGE).split())


def _examples(path: Path) -> Iterator[tuple[DataRow, Example]]:
    read: Callable[[Path], Iterator[DataRow]] = {
        ".csv": comma_separated,
        ".xml": xml_rows,
    }.get(path.suffix.lower(), json_lines)
    make = balanced_copa.make_xml if path.suffix.lower() == ".xml" else copa.make
    for row in read(path):
        yield row, make(row)


def _key(path: Path, language: str) -> SetKey:
    return SetKey("items of a file", path.name, language)


def _item_set(rows: list[tuple[DataRow, Example]]) -> ItemSet:
    items: list[CausalItem] = [example.item for _, example in rows]
    return ItemSet(
        ids=_numbers([row for row, _ in rows]),
        items=tuple(items),
        labels=tuple(example.label for _, example in rows),
    )


def _numbers(rows: Sequence[DataRow]) -> tuple[int, ...]:
    found = [str(row.fields.get("idx", row.fields.get("id"))) for row in rows]
    if not all(each.isdecimal() and len(each) <= _MOST_DIGITS for each in found):
        return tuple(range(len(rows)))
    by_number: dict[int, DataRow] = {}
    for number, row in zip(map(int, found), rows, strict=True):
        if number in by_number:
            raise refuse_twice(number, row, by_number[number])
        by_number[number] = row
    return tuple(by_number)
