"""Quora Question Pairs: what a line break tore, or what lacks a question, is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.tasks.example import DataError, Sentences
from models.tasks.sets.qqp import LABELS, TASK
from tests.models.tasks.invented import QQP
from tests.models.tasks.writing import write

HEADER = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"


def test_whole_pairs_are_read_and_torn_or_empty_ones_left_out(tmp_path: Path) -> None:
    assert TASK.load(write(QQP.files, tmp_path), "train") == [
        Sentences('What is a "quark?', "What are quarks?", LABELS.index("duplicate")),
        Sentences("Who sings?", "Who dances?", LABELS.index("not duplicate")),
    ]


def test_a_row_that_is_torn_in_its_second_question_is_left_out(tmp_path: Path) -> None:
    rows = "1\t2\t3\tWho sings?\tWho\n2\t3\t4\tWho?\tWhom?\t1\n"
    data = write({**QQP.files, "qqp/train.tsv": HEADER + rows}, tmp_path)
    assert TASK.load(data, "train") == [Sentences("Who?", "Whom?", 1)]


def test_a_label_that_is_none_is_named(tmp_path: Path) -> None:
    files = {**QQP.files, "qqp/train.tsv": f"{HEADER}1\t2\t3\tWho?\tWhom?\t2\n"}
    with pytest.raises(DataError, match=r"train\.tsv:2: is_duplicate is not one of 0 to 1: 2"):
        TASK.load(write(files, tmp_path), "train")
