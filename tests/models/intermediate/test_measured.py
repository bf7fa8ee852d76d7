"""What models are asked, and the scores of their answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.evaluation.ask.items import MIRRORS, english, in_language
from models.intermediate.measured import CHANCE, PANELS, asked, scores
from tests.models.intermediate.made import predictions
from tests.models.tasks.invented_causal import write_measured

COPA, XCOPA, BALANCED = "copa", "xcopa", "balanced copa"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_measured(tmp_path_factory.mktemp("data"), items=100)


def test_english_the_nine_and_held_out_twins_are_asked(folder: Path) -> None:
    found = asked(folder)
    languages = [key.language for key in found if key.task == "xcopa"]
    assert languages == ["et", "id", "it", "sw", "ta", "th", "tr", "vi", "zh"]
    assert found[english("test")].ids == tuple(range(501, 601))
    assert found[english("val")].ids == tuple(range(401, 501))
    assert found[MIRRORS].ids == tuple(range(1401, 1501))
    assert len(found) == 12


def test_a_try_asks_the_first_of_each(folder: Path) -> None:
    found = asked(folder, 3)
    assert {len(each.items) for each in found.values()} == {3}
    assert found[MIRRORS].ids == (1401, 1402, 1403)
    assert found[in_language("it", "test", "upstream")].ids == (501, 502, 503)


def test_twins_count_where_both_are_right() -> None:
    made = predictions("a", {COPA: 0.5, XCOPA: 0.5, BALANCED: 0.1}, seeds=1)
    twins = scores(made, "a/seed-1")["twins"]
    assert twins.sum() == 0.1 * 40 + 1, "those of the mirrors, which are the fewer"


def test_the_nine_are_averaged_by_item() -> None:
    made = predictions("a", {COPA: 0.0, XCOPA: 0.7, BALANCED: 0.0}, seeds=1)
    key = in_language("it", "test", "upstream")
    made.logits["a/seed-1"][key][:] = np.eye(2)[1 - made.labels[key]]
    found = scores(made, "a/seed-1")
    assert found["nine"].mean() == pytest.approx(8 / 9 * 0.71)
    assert found["english"].mean() == pytest.approx(0.01)


def test_everything_that_is_reported_has_its_chance() -> None:
    assert CHANCE.keys() == PANELS.keys()
