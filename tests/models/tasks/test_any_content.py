"""Files as they are in the world: whatever is in them, no traceback, and no row lost unsaid."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.tasks.example import DataError
from models.tasks.registry import TASKS
from tests.models.tasks.invented import SETS
from tests.models.tasks.writing import lines

FILES = [(name, file) for name, invented in SETS.items() for file in invented.files]
"""Every file of every set."""

JSON_LINES = [(name, file) for name, file in FILES if file.endswith(".jsonl")]

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 9),
    st.floats(),
    st.text(st.characters(), max_size=6),
    st.sampled_from(["\ud800", "\ufeff", "\0", "\u2028", "9" * 400]),
    st.lists(st.text(max_size=3), max_size=6),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3),
)
"""Values of any kind, lone surrogates among them."""

fuzzed = settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def write_bytes(files: Mapping[str, str], folder: Path, changed: Mapping[str, bytes]) -> Path:
    for name, content in {**{k: v.encode() for k, v in files.items()}, **changed}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def load_or_tell(name: str, data: Path) -> int | str:
    """Load both splits; return how many examples, or what is told, which is one line."""
    task = TASKS[name]
    try:
        return sum(len(task.load(data, split)) for split in ("train", "val"))
    except DataError as error:
        told = str(error)
    assert "\n" not in told
    assert len(told) < 1_000
    return told


def cut(content: bytes, at: int, with_bytes: bytes, drop: int) -> bytes:
    place = at % (len(content) + 1)
    return content[:place] + with_bytes + content[place + drop :]


@pytest.mark.parametrize(("name", "file"), FILES)
@fuzzed
@given(data=st.data())
def test_any_bytes_at_any_place_are_read_or_told_in_one_line(
    name: str, file: str, data: st.DataObject, tmp_path: Path
) -> None:
    content = SETS[name].files[file].encode()
    piece = st.binary(max_size=6) | st.sampled_from([b'"', b"\n", b"\xef\xbb\xbf", b"\xff\xfe"])
    mutated = cut(
        content,
        data.draw(st.integers(0, 1 << 16)),
        data.draw(piece),
        data.draw(st.integers(0, 9) | st.just(len(content))),
    )
    found = load_or_tell(name, write_bytes(SETS[name].files, tmp_path, {file: mutated}))
    if isinstance(found, str):
        assert str(tmp_path) in found or "Balanced COPA has the items" in found


@pytest.mark.parametrize(("name", "file"), JSON_LINES)
@fuzzed
@given(data=st.data())
def test_a_field_of_any_value_is_read_or_told_with_its_line(
    name: str, file: str, data: st.DataObject, tmp_path: Path
) -> None:
    rows: list[dict[str, Any]] = [
        json.loads(line) for line in SETS[name].files[file].splitlines() if line
    ]
    place = data.draw(st.integers(0, len(rows) - 1))
    field = data.draw(st.sampled_from(sorted(rows[place])))
    rows[place][field] = data.draw(ODD)
    content = "\n".join(json.dumps(row) for row in rows)
    found = load_or_tell(name, write_bytes(SETS[name].files, tmp_path, {file: content.encode()}))
    if isinstance(found, str):
        named = f"{file}:{place + 1}: "
        assert named in found or "none is an example" in found


@pytest.mark.parametrize("name", ["copa", "ecare", "swag", "cosmosqa", "logiqa2", "qqp", "mnli"])
@fuzzed
@given(kept=st.lists(st.integers(0, 1), min_size=1, max_size=12))
def test_every_row_is_an_example_or_is_counted_in_the_log(
    name: str, kept: list[int], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Good rows and rows that a set leaves out, in any order."""
    caplog.clear()
    invented = SETS[name].files
    file = next(iter(invented))
    content, left_out = _rows_of(name, invented[file], kept)
    data = write_bytes(invented, tmp_path, {file: content.encode()})
    with caplog.at_level(logging.INFO):
        if left_out == len(kept):
            with pytest.raises(DataError, match=f"{len(kept)} rows, and none is an example"):
                TASKS[name].load(data, "train")
            return
        assert len(TASKS[name].load(data, "train")) == len(kept) - left_out
    told = f"{left_out} of {len(kept)} rows are no examples"
    assert (told in caplog.text) == bool(left_out)


def _rows_of(name: str, content: str, kept: list[int]) -> tuple[str, int]:
    if name in ("copa", "ecare"):
        row = json.loads(content.splitlines()[0])
        return lines(*[row for _ in kept]), 0
    if name in ("swag", "cosmosqa"):
        header, _, rest = content.partition("\r\n")
        cells = rest[: rest.index('"\r\n"') + 1]
        return "\r\n".join([header, *[cells for _ in kept]]), 0
    if name == "qqp":
        header, whole, torn, *_ = content.split("\n")
        return "\n".join([header, *[whole if keep else torn for keep in kept]]), kept.count(0)
    good, bad = _good_and_bad(name, content)
    return lines(*[good if keep else bad for keep in kept]), kept.count(0)


def _good_and_bad(name: str, content: str) -> tuple[dict[str, Any], dict[str, Any]]:
    good = json.loads(content.splitlines()[0])
    if name == "mnli":
        return good, {**good, "gold_label": "-"}
    right = good["options"][good["answer"]]
    return good, {**good, "options": [right] * len(good["options"])}


def _bom(content: bytes) -> bytes:
    return b"\xef\xbb\xbf" + content


def _latin_1(content: bytes) -> bytes:
    return content.replace(b"a", b"\xe9", 1)


def _wide(content: bytes) -> bytes:
    return content.decode().encode("utf-16")


@pytest.mark.parametrize(("name", "file"), FILES)
def test_a_byte_order_mark_changes_no_example(name: str, file: str, tmp_path: Path) -> None:
    files = SETS[name].files
    plain = write_bytes(files, tmp_path / "plain", {})
    marked = write_bytes(files, tmp_path / "marked", {file: _bom(files[file].encode())})
    for split in ("train", "val"):
        assert TASKS[name].load(marked, split) == TASKS[name].load(plain, split)


@pytest.mark.parametrize("change", [_latin_1, _wide])
@pytest.mark.parametrize(("name", "file"), FILES)
def test_another_encoding_is_told_with_its_file_and_the_way_out(
    name: str, file: str, change: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    content = change(SETS[name].files[file].encode())
    told = load_or_tell(name, write_bytes(SETS[name].files, tmp_path, {file: content}))
    if file.endswith(("test.jsonl", "test.txt")) or (change is _latin_1 and b"\xe9" not in content):
        assert isinstance(told, int)
        return  # no split that trains or chooses reads it, or there was no letter to change
    assert f"{file}" in str(told)
    assert "UTF-8" in str(told)


@pytest.mark.parametrize(("name", "file"), FILES)
def test_a_file_of_nothing_is_told(name: str, file: str, tmp_path: Path) -> None:
    told = load_or_tell(name, write_bytes(SETS[name].files, tmp_path, {file: b""}))
    if file.endswith(("test.jsonl", "test.txt")):
        assert isinstance(told, int)
        return
    assert file.removesuffix("-labels.lst") in str(told)


@pytest.mark.parametrize("name", ["copa", "squad1", "hellaswag"])
def test_deep_nesting_is_told(name: str, tmp_path: Path) -> None:
    file = next(iter(SETS[name].files))
    deep = b'{"a": ' + b"[" * 100_000
    told = load_or_tell(name, write_bytes(SETS[name].files, tmp_path, {file: deep}))
    assert f"{file}" in str(told)
    assert "nested too deeply" in str(told)


@pytest.mark.parametrize(("name", "file"), [("swag", "swag/train.csv"), ("qqp", "qqp/train.tsv")])
def test_a_field_beyond_131_072_characters_is_named_with_its_line(
    name: str, file: str, tmp_path: Path
) -> None:
    content = (
        SETS[name].files[file].replace("melts", "x" * 131_073).replace("quark?", "x" * 131_073)
    )
    field = {"swag": "ending2", "qqp": "question1"}[name]
    told = load_or_tell(name, write_bytes(SETS[name].files, tmp_path, {file: content.encode()}))
    assert f"{file}:2: {field} has 131,0" in str(told)
    assert "shorten it, or close the quotation mark" in str(told)


def test_a_quotation_mark_that_nobody_closes_swallows_no_rows(tmp_path: Path) -> None:
    content = SETS["swag"].files["swag/train.csv"]
    opened = content.replace('"barks."', '"barks.', 1)
    told = load_or_tell(
        "swag", write_bytes(SETS["swag"].files, tmp_path, {"swag/train.csv": opened.encode()})
    )
    assert "swag/train.csv:2 is not CSV" in str(told)


def test_a_name_that_stands_twice_in_a_row_is_told(tmp_path: Path) -> None:
    row = SETS["copa"].files["copa/train.jsonl"].splitlines()[0]
    twice = row[:-1] + ', "label": 1}'
    told = load_or_tell(
        "copa", write_bytes(SETS["copa"].files, tmp_path, {"copa/train.jsonl": twice.encode()})
    )
    assert "copa/train.jsonl:1 is not JSON: 'label' stands twice" in str(told)


@pytest.mark.parametrize(
    ("name", "field", "value", "told"),
    [
        ("hellaswag", "endings", ["a", "b"], "endings has 2 texts, not 4"),
        ("logiqa2", "options", [], "options has 0 texts, not two or more"),
        ("copa", "premise", "\ud83d", r"premise has half of a surrogate pair, \ud83d"),
    ],
)
def test_a_value_that_broke_the_reader_is_told(
    name: str, field: str, value: object, told: str, tmp_path: Path
) -> None:
    file = next(iter(SETS[name].files))
    row = {**json.loads(SETS[name].files[file].splitlines()[0]), field: value}
    data = write_bytes(SETS[name].files, tmp_path, {file: json.dumps(row).encode()})
    assert f"{file}:1: {told}" in str(load_or_tell(name, data))
