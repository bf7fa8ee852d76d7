"""Conditions: each set alone, all together, and with text beside them."""

from __future__ import annotations

import re

import pytest

from models.intermediate.conditions import Condition, all_conditions, chosen
from models.tasks.example import DataError

SETS = ("ecare", "mnli")


def test_the_target_alone_comes_first_and_text_last() -> None:
    assert all_conditions(SETS, has_text=True) == (
        Condition("none", ()),
        Condition("ecare", ("ecare",)),
        Condition("mnli", ("mnli",)),
        Condition("all", SETS),
        Condition("all+text", SETS, text=True),
    )


def test_what_is_not_at_hand_is_no_condition() -> None:
    names = [each.name for each in all_conditions(SETS, has_text=False)]
    assert names == ["none", "ecare", "mnli", "all"]
    assert all_conditions((), has_text=True) == (Condition("none", ()),)


def test_conditions_are_chosen_by_name_in_the_order_of_the_names() -> None:
    found = chosen(["mnli+text", "none", "mnli+text"], SETS, has_text=True)
    assert found == (Condition("mnli+text", ("mnli",), text=True), Condition("none", ()))


def test_a_name_that_is_none_lists_those_there_are() -> None:
    said = "there is no condition 'piqa'; there are none, ecare, mnli, all"
    with pytest.raises(DataError, match=f"^{re.escape(said)}$"):
        chosen(["none", "piqa"], SETS, has_text=False)
