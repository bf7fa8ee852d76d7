"""Plans: batches of one task, of like length, in proportion to the sets, the same every time."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.training.example_tokenizer import Encoded
from models.training.plan import Mix, PlannedBatch, by_length, interleave, plan


def items(*lengths: int) -> list[Encoded]:
    return [Encoded(((5,) * length, (5,) * length), (0,)) for length in lengths]


SETS = {"small": items(*range(3, 43)), "large": items(*(3 + n % 50 for n in range(2000)))}


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=200),
    budget=st.integers(1, 300),
    seed=st.integers(0, 9),
)
def test_an_epoch_holds_every_item_once_and_no_batch_is_over_its_tokens(
    lengths: list[int], budget: int, seed: int
) -> None:
    own = items(*lengths)
    batches = plan({"task": own}, Mix(1.0, budget), seed)
    assert sorted(place for batch in batches for place in batch.items) == list(range(len(own)))
    for batch in batches:
        assert len(batch.items) == 1 or sum(own[place].tokens for place in batch.items) <= budget


def test_a_plan_depends_on_the_seed_alone() -> None:
    mix = Mix(2.0, 400)
    assert plan(SETS, mix, 1) == plan(SETS, mix, 1)
    assert plan(SETS, mix, 1) != plan(SETS, mix, 2)


def test_tasks_take_turns_in_proportion_to_their_size() -> None:
    batches = plan(SETS, Mix(1.0, 400), 1)
    drawn = Counter(batch.task for batch in batches for _ in batch.items)
    assert drawn == {"small": 40, "large": 2000}
    first_half = {batch.task for batch in batches[: len(batches) // 2]}
    assert first_half == {"small", "large"}


def test_a_cap_makes_a_large_set_count_as_a_smaller_one_and_later_epochs_draw_the_rest() -> None:
    batches = plan(SETS, Mix(4.0, 400, size_cap=500), 1)
    places = [place for batch in batches if batch.task == "large" for place in batch.items]
    assert len(places) == 4 * 500
    assert len(set(places)) == 2000
    assert sum(len(batch.items) for batch in batches if batch.task == "small") == 4 * 40


@pytest.mark.parametrize("epochs", [0.5, 1.5])
def test_part_of_an_epoch_is_part_of_its_batches(epochs: float) -> None:
    whole = plan(SETS, Mix(1.0, 400), 1)
    assert len(plan(SETS, Mix(epochs, 400), 1)) == pytest.approx(epochs * len(whole), abs=8)
    assert plan(SETS, Mix(0.5, 400), 1) == whole[: round(len(whole) / 2)]


@pytest.mark.parametrize("count", [1, 7, 400])
def test_a_number_of_batches_is_the_beginning_of_the_epochs_that_they_take(count: int) -> None:
    whole = plan(SETS, Mix(3.0, 400), 1)
    assert len(whole) > 400 > len(plan(SETS, Mix(1.0, 400), 1)), "400 take a second epoch"
    assert plan(SETS, Mix(None, 400, batches=count), 1) == whole[:count]


def test_batches_hold_items_of_like_length_and_come_in_no_order_of_length() -> None:
    own = SETS["large"]
    longest = [
        [own[place].longest for place in batch.items]
        for batch in plan({"large": own}, Mix(1.0, 400), 1)
    ]
    assert sum(max(batch) - min(batch) for batch in longest) / len(longest) < 4
    firsts = [batch[0] for batch in longest]
    assert firsts != sorted(firsts)


def test_interleaved_batches_keep_their_order() -> None:
    first = [PlannedBatch("a", (number,)) for number in range(20)]
    second = [PlannedBatch("b", (number,)) for number in range(5)]
    mixed = interleave(first, second, seed=3)
    assert [batch for batch in mixed if batch.task == "a"] == first
    assert [batch for batch in mixed if batch.task == "b"] == second
    assert mixed[:20] != first


def test_evaluation_batches_hold_every_item_once() -> None:
    batches = by_length(SETS["large"], 400)
    assert sorted(place for batch in batches for place in batch) == list(range(2000))
