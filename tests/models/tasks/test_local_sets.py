"""What is fetched from the hub is what a data directory is checked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.tasks.example import DataError
from models.tasks.local_sets import EVALUATION_SETS, check, fetch
from models.tasks.reading.hub import HubSplit
from models.tasks.reading.row import DataRow
from models.tasks.sets import balanced_copa, copa, xcopa

NUMBERS = [*range(1, 501), *range(1001, 1501)]


def rows_of(split: HubSplit) -> Iterator[DataRow]:
    """Rows as the hub has them: a few of each split, and all of Balanced COPA."""
    numbers = NUMBERS if split == balanced_copa.ON_HUB else range(3)
    for number in numbers:
        fields = {
            "id": number,
            "premise": f'The "bell" & {split.config} rang {number} times.',
            "choice1": "Birds flew off.",
            "choice2": "It was té.",
            "question": "effect",
            "label": number % 2,
        }
        yield DataRow(f"{split.id}, {number}", fields)


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(HubSplit, "rows", rows_of)
    assert sum(items for _, items in fetch(tmp_path)) == 3 * 3 + 11 * 2 * 3 + 1000
    return tmp_path


def test_what_is_fetched_reads_as_the_hub_does(fetched: Path) -> None:
    for split in copa.SPLITS:
        assert copa.load(fetched, split) == copa.load(None, split)
    assert xcopa.load(fetched, "qu", "test", "repaired") == xcopa.load(
        None, "qu", "test", "repaired"
    )
    assert balanced_copa.load(fetched, "mirror") == balanced_copa.load(None, "mirror")


def test_the_sets_of_the_evaluation_are_complete_and_the_others_named(fetched: Path) -> None:
    states = {state.name: state for state in check(fetched)}
    assert [states[name].problem for name in EVALUATION_SETS] == [None, None, None]
    assert states["xcopa"].items == 66
    assert "train.jsonl does not exist" in str(states["ecare"].problem)


def test_a_wrong_row_is_named_with_its_file_and_line(fetched: Path) -> None:
    file = fetched / "copa" / "val.jsonl"
    file.write_text(file.read_text("utf-8").replace('"label": 1', '"label": 7'), encoding="utf-8")
    [state] = [state for state in check(fetched) if state.name == "copa"]
    assert "val.jsonl:2" in str(state.problem)


def test_an_interrupted_fetch_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(split: HubSplit) -> Iterator[DataRow]:
        yield from list(rows_of(split))[:2]
        raise DataError("the hub is gone")

    monkeypatch.setattr(HubSplit, "rows", failing)
    with pytest.raises(DataError):
        list(fetch(tmp_path))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
