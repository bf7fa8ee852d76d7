"""The load test's items: the sample speaks all twelve languages, real XCOPA can replace it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.api.schemas import Item
from loadtests.items import load_items, load_labels
from models.tasks.sets.xcopa import LANGUAGES
from tests.models.tasks.invented_causal import write_measured


def test_the_sample_speaks_all_twelve_languages_and_is_valid() -> None:
    sample = load_items(None)
    assert set(sample) == {"en", *LANGUAGES}
    for items in sample.values():
        for item in items:
            Item.model_validate(item)


def test_the_sample_repeats_no_item_of_the_real_sets(data: Path) -> None:
    real = {item["premise"] for items in load_items(data).values() for item in items}
    assert not real & {item["premise"] for items in load_items(None).values() for item in items}


def test_a_data_directory_brings_its_items_in_twelve_languages(tmp_path: Path) -> None:
    items = load_items(write_measured(tmp_path, items=3))
    assert set(items) == {"en", *LANGUAGES}
    assert all(len(group) == 3 for group in items.values())


def test_a_data_directory_without_xcopa_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="XCOPA_DATA_DIR"):
        load_items(tmp_path)


def test_labels_are_those_of_the_items(tmp_path: Path) -> None:
    data = write_measured(tmp_path, items=3)
    items, labels = load_items(data), load_labels(data)
    assert {name: len(group) for name, group in labels.items()} == dict.fromkeys(items, 3)
    assert {label for group in labels.values() for label in group} <= {0, 1}


def test_the_sample_has_no_labels() -> None:
    with pytest.raises(FileNotFoundError) as raised:
        load_labels(None)
    assert str(raised.value) == "labels need XCOPA_DATA_DIR: the sample's items have none"
