"""An output file goes on where it ends, is never written by two, and is never another's."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.ask.predictor import ItemOutcome, Unanswered
from models.prediction.output import AnsweringModel, choice_of, output_line
from models.prediction.resume import OutputFile, output_file
from models.prediction.rows import FileRow
from models.tasks.example import DataError
from tests.models.prediction.made import json_file, question, read

MODEL = AnsweringModel("direct", "abc")
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.lists(st.text()),
)
NAMES = st.one_of(st.text(), st.sampled_from(["label", "input_label", "line", "error"]))
OUTCOMES = st.one_of(
    st.sampled_from([(0.0, 1.0), (1.0, 0.0)]), st.just(Unanswered("the model failed"))
)


def resumed(content: bytes, rows: list[FileRow]) -> tuple[list[tuple[int, int | None]], bytes]:
    """Return the rows that an output answers, by line, and what is left of the output."""
    file = io.BytesIO(content)
    found = OutputFile(Path("out"), file).resumed(iter(rows), MODEL)
    return [(row.line, choice) for row, choice in found], file.getvalue()


def lines_of(rows: list[FileRow], outcomes: list[ItemOutcome]) -> list[bytes]:
    return [output_line(*each, MODEL) for each in zip(rows, outcomes, strict=True)]


@given(
    st.lists(st.tuples(st.dictionaries(NAMES, VALUES, max_size=3), OUTCOMES), max_size=4),
    st.integers(0, 4),
)
def test_what_was_written_is_known_again_whatever_fields_the_rows_have(
    made: list[tuple[dict[str, Any], ItemOutcome]], done: int
) -> None:
    rows = read(json_file(*({**fields, **question(n)} for n, (fields, _) in enumerate(made))))
    outcomes = [outcome for _, outcome in made]
    content = b"".join(lines_of(rows, outcomes)[:done])
    expected = [(row.line, choice_of(own)) for row, own in zip(rows, outcomes, strict=True)]
    assert resumed(content, rows) == (expected[:done], content)


def test_a_line_that_is_half_written_is_cut_off_and_its_row_is_left_to_ask() -> None:
    rows = read(json_file(question(0), question(1)))
    first, second = lines_of(rows, [(0.0, 1.0), (1.0, 0.0)])
    left = iter(rows)
    file = io.BytesIO(first + second[:-1])
    assert len(list(OutputFile(Path("out"), file).resumed(left, MODEL))) == 1
    assert file.getvalue() == first
    assert next(left) is rows[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"notes", "out is not an output of this command; name another --out"),
        # No line of ours is so long, so it is not known to be half a line.
        (b'{"line": 1' + b" " * 20_000_000, "out is not an output of this command; name another"),
        (
            b'{"line": 1}\n',
            "out differs from the input after 0 bytes: it belongs to another file, or this one "
            "has changed; name another --out, or remove it",
        ),
    ],
    ids=["notes", "long", "line"],
)
def test_what_is_no_output_of_ours_is_refused_and_left_as_it_is(
    content: bytes, message: str
) -> None:
    file = io.BytesIO(content)
    with pytest.raises(DataError) as refused:
        list(OutputFile(Path("out"), file).resumed(iter(read(json_file(question(0)))), MODEL))
    assert str(refused.value).startswith(message)
    assert file.getvalue() == content


def test_an_output_with_more_rows_than_the_input_says_how_far_they_agree() -> None:
    rows = read(json_file(question(0), question(1)))
    first, second = lines_of(rows, [(0.0, 1.0), (1.0, 0.0)])
    with pytest.raises(DataError, match=f"after {len(first)} bytes"):
        resumed(first + second, rows[:1])


def test_answers_of_other_weights_are_named_and_refused() -> None:
    [row] = read(json_file(question(0)))
    other = output_line(row, (0.0, 1.0), AnsweringModel("direct", "def"))
    with pytest.raises(DataError) as refused:
        resumed(other, [row])
    assert str(refused.value) == (
        "out has answers of direct def, not of direct abc; name another --out"
    )


def test_lines_are_added_behind_what_is_there_and_can_be_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with output_file(path) as sink:
        sink.write(b"1\n2\n")
        assert path.read_bytes() == b"1\n2\n", "a kill loses nothing that was written"
    with output_file(path) as sink:
        sink.write(b"3\n")
    assert path.read_bytes() == b"1\n2\n3\n"


def test_a_file_is_free_again_when_its_run_has_failed(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt), output_file(path):
        raise KeyboardInterrupt
    with output_file(path), pytest.raises(DataError) as refused, output_file(path):
        pass
    assert str(refused.value) == f"--out {path} is being written by another process"


def test_a_sink_that_cannot_be_read_is_written_from_the_first_row() -> None:
    class Pipe(io.BytesIO):
        def readable(self) -> bool:
            return False

    rows = read(json_file(question(0)))
    left = iter(rows)
    assert list(OutputFile(Path("-"), Pipe()).resumed(left, MODEL)) == []
    assert next(left) is rows[0]
