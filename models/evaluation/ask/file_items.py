"""The items of a file of one's own, in COPA's or XCOPA's format: a set for each language."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from app.engine.tokenizer import CausalItem
from models.evaluation.ask.items import ItemSet, ItemSets, SetKey
from models.tasks.example import DataError, Example
from models.tasks.reading.files import comma_separated, json_lines
from models.tasks.reading.row import DataRow
from models.tasks.sets import balanced_copa, copa

LANGUAGE = "language"
"""The field that parts the rows of a file."""


def collect_file(path: Path) -> ItemSets:
    """Read a file whose rows are JSON lines, CSV or, as COPA itself was published, XML.

    Rows with a ``language`` make a set for each; without, all make one that is named after the
    file. A row's number is its ``idx`` where every row of a set has one, else its place.

    Raises:
        DataError: the file is missing, a row is wrong or lacks its label, or there is no row.
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
    return {_key(path, language): _item_set(own) for language, own in rows.items()}


def _language(row: DataRow) -> str:
    return " ".join(row.text(LANGUAGE).split())


def _examples(path: Path) -> Iterator[tuple[DataRow, Example]]:
    read: Callable[[Path], Iterator[DataRow]] = {
        ".csv": comma_separated,
        ".xml": balanced_copa.xml_rows,
    }.get(path.suffix.lower(), json_lines)
    make = balanced_copa.make_xml if path.suffix.lower() == ".xml" else copa.make
    for row in _decoded(read(path), path):
        yield row, make(row)


def _decoded(rows: Iterator[DataRow], path: Path) -> Iterator[DataRow]:
    try:
        yield from rows
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: {error.reason}") from error


def _key(path: Path, language: str) -> SetKey:
    return SetKey("items of a file", path.name, language)


def _item_set(rows: list[tuple[DataRow, Example]]) -> ItemSet:
    items: list[CausalItem] = [example.item for _, example in rows]
    return ItemSet(
        ids=_numbers([row.fields.get("idx", row.fields.get("id")) for row, _ in rows]),
        items=tuple(items),
        labels=tuple(example.label for _, example in rows),
    )


def _numbers(found: list[object]) -> tuple[int, ...]:
    if all(str(each).isdecimal() for each in found):
        # Python reads no number of more than 4,300 digits.
        with suppress(ValueError):
            return tuple(int(str(each)) for each in found)
    return tuple(range(len(found)))
