"""CCG supertagging, on sentences of our own in the two formats."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.tasks.example import DataError, Tagged
from models.tasks.sets import ccg
from tests.models.tasks.invented import CCG
from tests.models.tasks.writing import write


def test_both_formats_are_read_with_one_set_of_labels(tmp_path: Path) -> None:
    data = write(CCG.files, tmp_path)
    assert ccg.read_labels(data) == (".", "N", "NP/N", "S\\NP")
    assert ccg.load(data, "train") == [
        Tagged(("Bo", "sleeps", "."), (1, 3, 0)),
        Tagged(("The", "cat"), (2, 1)),
    ]
    assert ccg.load(data, "val") == [
        Tagged(("The", "cat"), (2, 1)),
        Tagged(("slept",), (ccg.UNKNOWN,)),
    ]


def test_listed_labels_come_in_the_order_of_the_list(tmp_path: Path) -> None:
    data = write({**CCG.files, "ccg/tags.txt": "S\\NP\nN\n"}, tmp_path)
    assert ccg.read_labels(data) == ("S\\NP", "N")
    assert ccg.load(data, "train")[0].tags == (1, 0, ccg.UNKNOWN)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("Bo|N sleeps|VBZ|S", r"train\.txt:1: 'Bo\|N' is not word\|POS\|category"),
        ("a|b|N\nBo|NNP|", r"train\.txt:2: 'Bo\|NNP\|' lacks the word or its category"),
        ("a\tDT\tN\tNP", r"train\.txt:1: 'a\\tDT\\tN\\tNP' is not word, POS and category"),
        ("\n\n", r"train\.txt has no sentence"),
        ("a\tN\n\tN", r"train\.txt:2: '\\tN' lacks the word or its category"),
    ],
)
def test_a_malformed_word_is_numbered(tmp_path: Path, content: str, told: str) -> None:
    data = write({"ccg/train.txt": content}, tmp_path)
    with pytest.raises(DataError, match=told):
        ccg.load(data, "train")


def test_without_a_directory_the_licence_is_told() -> None:
    with pytest.raises(DataError, match=r"licence of the LDC.*--data"):
        ccg.load(None, "train")
