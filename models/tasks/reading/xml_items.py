"""The format that COPA itself was published in: XML with an element an item."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree as ET

from models.tasks.example import DataError
from models.tasks.reading.row import DataRow
from models.tasks.reading.text import require, unreadable

_PIECE_BYTES = 65_536
"""Are parsed at once, or a line where that is shorter."""

_ROOT, _ITEM, _FIELD = 1, 2, 3
"""How deep the elements stand."""


def xml_rows(path: Path) -> Iterator[DataRow]:
    """Read the items, each with its attributes and the texts of its elements as fields.

    Raises:
        DataError: the file is missing, cannot be read, or is not XML; an item has a field twice,
            text outside of its fields, or elements within them.
    """
    depth = 0
    began = ""
    for line, event, element in _events(path):
        depth += event == "start"
        if event == "start" and depth == _ITEM:
            began = f"{path}:{line}, item {element.get('id')}"
        elif event == "start" and depth > _FIELD:
            raise DataError(f"{began}: <{element.tag}> stands within a field; fields hold text")
        elif event == "end" and depth == _ITEM:
            yield DataRow(began, _fields(began, element))
        depth -= event == "end"


def _events(path: Path) -> Iterator[tuple[int, str, ET.Element]]:
    """Yield the starts and ends of elements, each with the number of its line."""
    require(path)
    parser: ET.XMLPullParser[Any] = ET.XMLPullParser(("start", "end"))
    try:
        with path.open("rb") as opened:
            number = 1
            while piece := opened.readline(_PIECE_BYTES):
                parser.feed(piece)
                # Other kinds of event, which hold no element, were not asked for.
                events = cast("Iterator[tuple[str, ET.Element]]", parser.read_events())
                for event, element in events:
                    yield number, event, element
                number += piece.endswith(b"\n")
        parser.close()
    except OSError as error:
        raise unreadable(path, error) from error
    except (ET.ParseError, LookupError, ValueError) as error:  # the last two of its encoding
        raise DataError(
            f"{path} is not XML: {error}; if its letters are wrong, save it as UTF-8"
        ) from error


def _fields(where: str, item: ET.Element) -> dict[str, str | None]:
    fields: dict[str, str | None] = dict(item.attrib)
    outside = [item.text, *(child.tail for child in item)]
    if stray := next((text.strip() for text in outside if text and text.strip()), None):
        raise DataError(f"{where}: {stray[:40]!r} stands outside of its fields")
    for child in item:
        if child.tag in fields:
            raise DataError(f"{where}: {child.tag} stands twice")
        fields[child.tag] = child.text
    return fields
