"""A run has one name everywhere: in progress, reports and files."""

from __future__ import annotations

import pytest

from models.evaluation.ask.predictor import Predictor, Run
from tests.models.evaluation.stand_ins import Oracle, run_of


@pytest.mark.parametrize("name", ["direct", "stilts/seed-10"])
def test_a_run_is_named_after_its_variant_and_seed(name: str) -> None:
    assert run_of(Oracle(name)).name == name


def test_naming_a_run_opens_no_model() -> None:
    def fail() -> Predictor:
        raise AssertionError("a model takes memory")

    assert Run("direct", fail, "seed-1").name == "direct/seed-1"
