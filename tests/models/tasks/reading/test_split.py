"""Two parts of one file: whole groups, the last tenth, always the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.tasks.reading.row import DataRow
from models.tasks.reading.split import hold_out

GROUPS = st.lists(st.integers(0, 12), min_size=1, max_size=200)


def _rows(groups: list[int]) -> list[DataRow]:
    return [DataRow(f"x:{n}", {"group": f"g{each}", "n": n}) for n, each in enumerate(groups)]


@given(GROUPS)
def test_every_row_is_in_one_part_and_no_group_in_two(groups: list[int]) -> None:
    rows = _rows(groups)
    train, val = hold_out(rows, "train", "group"), hold_out(rows, "val", "group")
    assert sorted(train + val, key=lambda row: row.fields["n"]) == rows
    assert not {row.text("group") for row in train} & {row.text("group") for row in val}


@given(GROUPS)
def test_validation_is_a_tenth_and_at_most_one_group_more(groups: list[int]) -> None:
    val = hold_out(_rows(groups), "val", "group")
    sizes = {each: groups.count(each) for each in groups}
    assert len(groups) / 10 <= len(val) < len(groups) / 10 + max(sizes.values())


def test_the_last_groups_are_held_out_in_the_order_of_the_file() -> None:
    groups = [0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 2, 9, 9]
    assert [row.fields["n"] for row in hold_out(_rows(groups), "val", "group")] == [11, 12]
    assert [row.fields["n"] for row in hold_out(_rows(groups), "train", "group")] == [*range(11)]
