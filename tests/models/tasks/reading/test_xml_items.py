"""COPA's own format: each item with its line, and what is in no field is not lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.tasks.example import DataError
from models.tasks.reading.xml_items import xml_rows

ITEM = '<item id="7" asks-for="cause"><p>Rain fell.</p><a1>é</a1></item>'


def write_xml(folder: Path, content: str, encoding: str = "utf-8") -> Path:
    path = folder / "items.xml"
    path.write_bytes(content.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_any_encoding_that_the_file_names_is_read(tmp_path: Path, encoding: str) -> None:
    named = {"latin-1": "latin-1", "utf-16": "utf-16"}.get(encoding, "utf-8")
    head = f'<?xml version="1.0" encoding="{named}"?>\n'
    path = write_xml(tmp_path, f"{head}<corpus>\n{ITEM}\n</corpus>", encoding)
    [row] = xml_rows(path)
    assert row.where.endswith(", item 7")
    assert row.fields == {"id": "7", "asks-for": "cause", "p": "Rain fell.", "a1": "é"}


def test_an_item_is_named_with_the_line_that_begins_it(tmp_path: Path) -> None:
    path = write_xml(tmp_path, f"<corpus>\n\n{ITEM}\n<item\nid='8'>\n</item></corpus>")
    assert [row.where for row in xml_rows(path)] == [f"{path}:3, item 7", f"{path}:5, item 8"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is not XML: no element found"),
        (f"<corpus>{ITEM}", "is not XML: "),
        ('<?xml version="1.0" encoding="klingon"?><corpus/>', "is not XML: .*klingon"),
        ('<?xml version="1.0" encoding="utf-7"?><corpus/>', "is not XML: .*UTF-8"),
        (f"<corpus>{ITEM.replace('Rain', '<b>Rain</b>')}</corpus>", "item 7: <b> stands within"),
        (f"<corpus>{ITEM.replace('<p>', 'More <p>')}</corpus>", "item 7: 'More' stands outside"),
        (f"<corpus>{ITEM.replace('<a1>', '<p>no</p><a1>')}</corpus>", "item 7: p stands twice"),
        (f"<corpus>{ITEM.replace('<a1>', '<id>8</id><a1>')}</corpus>", "item 7: id stands twice"),
        ("<a>" * 200_000, "stands within a field"),
    ],
)
def test_what_would_be_lost_or_is_no_xml_is_one_line(
    tmp_path: Path, content: str, told: str
) -> None:
    path = write_xml(tmp_path, content)
    with pytest.raises(DataError, match=f"items\\.xml.*{told}") as caught:
        list(xml_rows(path))
    assert "\n" not in str(caught.value)


def test_latin_1_that_no_line_names_is_told_with_the_way_out(tmp_path: Path) -> None:
    path = write_xml(tmp_path, f"<corpus>\n{ITEM}</corpus>", "latin-1")
    with pytest.raises(DataError, match=r"not XML: .*line 2, column .*save it as UTF-8"):
        list(xml_rows(path))
