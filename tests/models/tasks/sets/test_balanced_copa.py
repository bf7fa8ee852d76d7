"""Balanced COPA: twins, their splits, and the published file."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest

from models.tasks.example import DataError, Example
from models.tasks.sets import balanced_copa, copa
from tests.models.tasks.invented_causal import balanced_xml, twins
from tests.models.tasks.writing import write

FILE = "balanced-copa/balacopa-dev-all.xml"


def _right(example: Example) -> str:
    return example.item.choices[example.label]


def test_the_splits_never_part_twins(tmp_path: Path) -> None:
    data = write({FILE: balanced_xml(twins())}, tmp_path)
    train, val = balanced_copa.load(data, "train"), balanced_copa.load(data, "val")
    mirror = balanced_copa.load(data, "mirror")
    assert (len(train), len(val), len(mirror)) == (800, 200, 500)
    assert train[400:] + val[100:] == mirror


def test_the_published_twins_and_copa_s_items_with_241_pairs_of_choices_the_other_way_round(
    data: Path,
) -> None:
    train, val = balanced_copa.load(data, "train"), balanced_copa.load(data, "val")
    originals = train[:400] + val[:100]
    _assert_twins(originals, data)
    english = copa.load(data, "train") + copa.load(data, "val")
    same = [ours == theirs for ours, theirs in zip(originals, english, strict=True)]
    assert same.count(False) == 241
    assert [_right(each) for each in originals] == [_right(each) for each in english]


def _assert_twins(originals: list[Example], data: Path) -> None:
    """A twin has the same question and choices, and the other answer."""
    for original, twin in zip(originals, balanced_copa.load(data, "mirror"), strict=True):
        assert original.item.question == twin.item.question
        assert set(original.item.choices) == set(twin.item.choices)
        assert _right(original) != _right(twin)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("<copa-corpus>", r"balacopa-dev-all\.xml is not XML"),
        (balanced_xml(twins()[:-1]), "here are 999, 1 of those missing: 1500"),
        (
            balanced_xml([*twins(), {**twins()[4], "label": 1}]),
            r"item 3: the number 3 is that of .*balacopa-dev-all\.xml:\d+, item 3 too",
        ),
        (balanced_xml([{**twins()[0], "label": 2}]), r"item 1: most-plausible-alternative is not"),
        (balanced_xml([{**twins()[0], "premise": ""}]), r"item 1: p is missing"),
    ],
)
def test_a_file_that_is_not_as_published_is_refused(
    tmp_path: Path, content: str, told: str
) -> None:
    with pytest.raises(DataError, match=told):
        balanced_copa.load(write({FILE: content}, tmp_path), "train")


def test_the_other_splits_are_listed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no split 'test'; it has train, val, mirror"):
        balanced_copa.load(tmp_path, "test")


def test_folds_divide_all_items_and_keep_twins_together(tmp_path: Path) -> None:
    data = write({FILE: balanced_xml(twins())}, tmp_path)
    numbers = {fold: balanced_copa.numbers(f"fold-{fold}") for fold in range(1, 6)}
    assert sorted(chain(*numbers.values())) == sorted(balanced_copa.numbers("all"))
    assert len(balanced_copa.numbers("all")) == 1000
    for fold, own in numbers.items():
        assert len(own) == 200
        assert {number + 1000 for number in own if number <= 500} == set(own[100:])
        others = balanced_copa.numbers(f"but-fold-{fold}")
        assert sorted([*own, *others]) == sorted(balanced_copa.numbers("all"))
    items = balanced_copa.load_numbered(data)
    assert balanced_copa.load(data, "fold-2") == [items[number] for number in numbers[2]]
    with pytest.raises(DataError, match=r"has no split 'fold-6'; it has train, val, mirror, all"):
        balanced_copa.load(data, "fold-6")
