"""SQuAD: where an answer stands, to the character."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.tasks.example import DataError, Span
from models.tasks.sets import squad
from tests.models.tasks.invented import FALL, SQUAD1, SQUAD2, TOWER, WHO
from tests.models.tasks.writing import write


def test_the_first_of_several_answers_is_taken(tmp_path: Path) -> None:
    [first, _] = squad.SQUAD1.load(write(SQUAD1.files, tmp_path), "train")
    assert isinstance(first, Span)
    assert first.answer is not None
    start, stop = first.answer
    assert (first.question, first.context[start:stop]) == ("When did it fall?", "1310")


def test_a_question_without_an_answer_has_none(tmp_path: Path) -> None:
    [_, second] = squad.SQUAD2.load(write(SQUAD2.files, tmp_path), "train")
    assert second == Span(WHO[0], TOWER, None)


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([], "answers is empty"),
        ([{"text": "1310", "answer_start": 0}], "does not stand at 0: '1310'"),
        ([{"text": "1310", "answer_start": 4000}], "answer_start is not one of 0 to"),
        ([{"text": "1310"}], r"answers\[0\]: answer_start is missing"),
        ([{"text": "", "answer_start": 0}], "text is empty"),
    ],
)
def test_an_answer_that_is_not_there_is_named(
    tmp_path: Path, answers: list[object], told: str
) -> None:
    tree = {
        "data": [
            {
                "title": "Ys",
                "paragraphs": [
                    {"context": TOWER, "qas": [{"question": FALL[0], "answers": answers}]}
                ],
            }
        ]
    }
    data = write(
        {f"squad1/{name}-v1.1.json": json.dumps(tree) for name in ("train", "dev")}, tmp_path
    )
    with pytest.raises(DataError, match=told) as caught:
        squad.SQUAD1.load(data, "train")
    assert "data[0]: paragraphs[0]: qas[0]" in str(caught.value)
