"""Which adapters stay apart from their base: those that share it, where that takes little time."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from transformers import XLMRobertaForMultipleChoice

from app.engine.adapted import adapted_layers
from app.engine.kernel_choice import Kernels
from app.weights.adapter_choice import MOST_TIME, AdapterChoice
from app.weights.checkpoint import Checkpoint
from app.weights.job import AdapterSetting
from tests import tiny
from tests.app.engine.test_adapted import EVERY_LAYER, adapted

FULL = Checkpoint("full", Path("full"))
LONE = Checkpoint("lone", Path("base-2"), Path("lone"))
PAIR = [Checkpoint(name, Path("base"), Path(name)) for name in ("first", "second")]
ALL = [FULL, LONE, *PAIR]


@pytest.mark.parametrize(
    ("setting", "apart"),
    [
        ("auto", [False, False, True, True]),
        ("merged", [False, False, False, False]),
        ("apart", [False, True, True, True]),
    ],
)
def test_only_adapters_that_share_a_base_are_looked_at(
    setting: AdapterSetting, apart: list[bool]
) -> None:
    choice = AdapterChoice(setting, ALL)
    assert [choice.may_stay_apart(each) for each in ALL] == apart


class Measured:
    """Notes which models were measured."""

    def __init__(self, ratio: float) -> None:
        self.ratio = ratio
        self.models: list[XLMRobertaForMultipleChoice] = []

    def __call__(self, model: XLMRobertaForMultipleChoice, _: Kernels) -> float:
        self.models.append(model)
        return self.ratio


def settle(measured: Measured, model: XLMRobertaForMultipleChoice) -> str:
    choice = AdapterChoice("auto", PAIR, measured)
    choice.merge_costly("first", model)
    return choice.settle("first", PAIR[0], model, Kernels())


def small() -> XLMRobertaForMultipleChoice:
    """A model with so small an adapter that only a measurement tells what it costs."""
    return adapted(("query",), hidden_size=64, intermediate_size=256)


@pytest.mark.parametrize(
    ("ratio", "state", "layers"), [(MOST_TIME, "apart", 3), (MOST_TIME + 0.01, "merged", 0)]
)
def test_the_measured_time_decides(
    ratio: float, state: str, layers: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    measured, model = Measured(ratio), small()
    assert settle(measured, model) == state
    assert measured.models == [model]
    assert len(adapted_layers(model)) == layers
    verb = {"apart": "stays apart", "merged": "is merged"}[state]
    said = f"the adapter of first {verb}: apart, a pass takes {ratio:.2f} times as long"
    assert caplog.messages == [said]


def test_where_the_work_alone_is_too_much_nothing_is_measured() -> None:
    measured, model = Measured(1.0), adapted(EVERY_LAYER)
    assert settle(measured, model) == "merged"
    assert not measured.models
    assert not adapted_layers(model)


def test_what_is_to_stay_apart_is_not_merged_for_its_work() -> None:
    model = adapted(EVERY_LAYER)
    AdapterChoice("apart").merge_costly("first", model)
    assert adapted_layers(model)


def test_an_adapter_that_could_only_be_merged_is_not_measured() -> None:
    measured = Measured(1.0)
    assert settle(measured, tiny.drawn_multiple_choice(1)) == "merged"
    assert not measured.models
