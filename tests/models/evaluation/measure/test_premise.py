"""The probes tell who reads the premise from who does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.engine.tokenizer import CausalItem
from models.evaluation.ask.items import ItemSets
from models.evaluation.ask.predictions import predict_all
from models.evaluation.measure.premise import Premise, probe
from tests.models.evaluation.conftest import ITEMS
from tests.models.evaluation.stand_ins import Oracle, run_of


class Reader(Oracle):
    """Knows all predictions, as long as there is a premise."""

    def __init__(self, name: str, item_sets: ItemSets) -> None:
        super().__init__(name)
        self.known = {
            item: label
            for item_set in item_sets.values()
            for item, label in zip(item_set.items, item_set.labels, strict=True)
            if item.premise != "."
        }

    def answer(self, item: CausalItem) -> Any:
        return np.eye(2)[self.known[item]] if item in self.known else (1.0, 0.0)


class Skipper(Oracle):
    """Likes some texts better than others, whatever the premise says."""

    def answer(self, item: CausalItem) -> tuple[float, float]:
        nothing = replace(item, premise="", question="cause")
        first, second = (
            super(Skipper, self).answer(replace(nothing, choice1=choice, choice2=""))
            for choice in item.choices
        )
        return first[0], second[0]


@pytest.fixture(scope="module")
def premise(item_sets: ItemSets) -> Premise:
    runs = [run_of(Skipper("direct")), run_of(Reader("stilts", item_sets))]
    return probe(predict_all(runs, item_sets, lambda run, items: None)[0], "test")


def test_twins_are_those_that_chose_and_those_that_trained(premise: Premise) -> None:
    assert [(each.originals, each.mirrors, each.pairs) for each in premise.twins] == [
        (f"401-{400 + ITEMS}", f"1401-{1400 + ITEMS}", ITEMS),
        (f"1-{ITEMS}", f"1001-{1000 + ITEMS}", ITEMS),
    ]


def test_who_reads_has_both_twins_right_and_who_does_not_has_none(premise: Premise) -> None:
    for each in premise.twins:
        assert each.both["stilts"].value == 1
        assert each.both["direct"].value == 0
        # Exactly one of each pair.
        assert each.original["direct"].value + each.mirror["direct"].value == pytest.approx(1)


def test_without_a_premise_who_does_not_read_answers_as_before(premise: Premise) -> None:
    assert premise.without.items == ITEMS
    assert premise.without.same_choice["direct"] == 1
    assert premise.without.same_choice["stilts"] < 1
    assert premise.without.accuracy["stilts"].value < 1
