"""A line of the output: one JSON object that holds the row as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.errors import FieldError
from models.evaluation.ask.predictor import Unanswered
from models.prediction.output import (
    BEGINNING,
    OWN,
    AnsweringModel,
    bad_row,
    choice_of,
    kept_fields,
    output_line,
)
from models.prediction.rows import FileRow
from tests.models.prediction.made import read

DIRECT = AnsweringModel("direct", "abc")
STILTS = AnsweringModel("stilts", "def")
NAMES = st.one_of(st.text(), st.sampled_from([*OWN, *(f"input_{name}" for name in OWN)]))
FIELDS = st.dictionaries(NAMES, st.one_of(st.text(), st.integers(), st.none(), st.lists(st.text())))
LOGIT = st.floats(-50, 50)
OUTCOMES = st.one_of(st.tuples(LOGIT, LOGIT), st.just(Unanswered("the model failed")))


def row_of(fields: dict[str, Any], line: int = 3) -> FileRow:
    return FileRow(line, 100, fields, None)


@given(FIELDS, OUTCOMES)
@example({"lone": "\ud800"}, (0.0, 1.0))
@example({"ends": "a\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\r\nb"}, (0.0, 1.0))
def test_a_line_is_one_line_for_every_program_and_holds_every_field(
    fields: dict[str, Any], outcome: tuple[float, float] | Unanswered
) -> None:
    line = output_line(row_of(fields), outcome, DIRECT)
    assert line.startswith(BEGINNING)
    assert line.endswith(b"\n")
    assert len(line.decode().splitlines()) == 1
    content = json.loads(line)
    answers = {"error"} if isinstance(outcome, Unanswered) else set(OWN) - {"error", "line"}
    kept = {name: own for name, own in content.items() if name not in answers}
    assert kept == kept_fields(row_of(fields))
    assert sorted(map(repr, fields.values())) == sorted(
        repr(own) for name, own in kept.items() if name != "line"
    ), "nothing of the row is lost"


def test_the_output_of_one_model_can_be_the_input_of_the_other_and_keeps_all() -> None:
    """The label of the data was overwritten with the first model's answer."""
    [row] = read(
        b'{"premise": "P", "choice1": "A", "choice2": "B", "question": "cause", "label": 1}'
    )
    first = output_line(row, (2.0, 1.0), DIRECT)
    [again] = read(first)
    second = json.loads(output_line(again, (1.0, 2.0), STILTS))
    assert (second["input_label"], second["input_input_label"], second["label"]) == (1, 0, 1)
    assert (second["input_model"], second["model"]) == ("direct", "stilts")
    assert (second["input_line"], second["line"]) == (1, 1)


def test_a_field_that_is_named_as_none_of_ours_keeps_its_name() -> None:
    assert kept_fields(row_of({"input_label": 1, "idx": 2})) == {
        "line": 3,
        "input_label": 1,
        "idx": 2,
    }


def test_characters_of_all_languages_are_written_as_they_are() -> None:
    assert "为什么 é 🌧".encode() in output_line(row_of({"premise": "为什么 é 🌧"}), (0, 1), DIRECT)


@pytest.mark.parametrize(
    ("logits", "choice"), [((0.0, 1.0), 1), ((1.0, 0.0), 0), ((1.0, 1.0), 0), ((-2.0, -1.0), 1)]
)
def test_the_larger_logit_is_the_choice_and_of_equals_the_first(
    logits: tuple[float, float], choice: int
) -> None:
    assert choice_of(logits) == choice
    content = json.loads(output_line(row_of({}), logits, DIRECT))
    assert content["label"] == choice
    assert content["probabilities"][choice] == max(content["probabilities"])


def test_every_error_of_a_row_is_in_its_line() -> None:
    errors = (FieldError("premise", "is required"), FieldError("question", "is required"))
    outcome = bad_row(FileRow(3, 100, {}, None, errors))
    assert choice_of(outcome) is None
    assert json.loads(output_line(row_of({}), outcome, DIRECT)) == {
        "line": 3,
        "error": {
            "detail": "line 3: premise: is required; question: is required",
            "errors": [
                {"field": "premise", "message": "is required"},
                {"field": "question", "message": "is required"},
            ],
        },
    }
