"""What is made of what three variants got, and the real service under three loads."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from rich.console import Console

from loadtests.bench import shares
from loadtests.bench.shares import AGAIN, WEIGHTS, SharesRound, models_file, result_of, seen

SPENT, WAITING = "xcopa_batch_duration_seconds_sum", "xcopa_queue_items"
FAIR = SharesRound({"direct": 1.0, "stilts": 2.0, AGAIN: 4.0}, dict.fromkeys(WEIGHTS, 9))


def test_a_round_is_what_was_spent_between_its_ends_and_the_fewest_that_waited() -> None:
    looks = [
        {
            (SPENT, "a"): 10.0 + look,
            (SPENT, "b"): 4.0,
            (WAITING, "a"): 9.0 - look,
            (WAITING, "b"): 5.0,
        }
        for look in range(3)
    ]
    assert seen(looks, {"a": 1, "b": 1}) == SharesRound({"a": 2.0, "b": 0.0}, {"a": 7.0, "b": 5.0})


def test_a_round_in_which_nothing_was_computed_is_none() -> None:
    look = {(SPENT, "a"): 10.0, (WAITING, "a"): 9.0}
    with pytest.raises(RuntimeError, match="no batch ended"):
        seen([look, look], {"a": 1})


def test_shares_by_weight_are_met() -> None:
    result = result_of([FAIR], WEIGHTS)
    assert result.value == pytest.approx(0)
    assert result.verdict == "met"
    assert result.details["shares"] == [{"direct": 0.143, "stilts": 0.286, AGAIN: 0.571}]
    assert result.details["waiting_at_least"] == 9


def test_the_variant_that_is_furthest_from_its_weight_decides() -> None:
    """Each by its own share: 0.3 of 7 is little of the whole, and much of 2."""
    uneven = SharesRound({"direct": 1.1, "stilts": 1.7, AGAIN: 4.2}, dict.fromkeys(WEIGHTS, 0))
    result = result_of([uneven], WEIGHTS)
    assert result.value == pytest.approx(0.15)
    assert result.verdict == "missed"
    assert result.details["waiting_at_least"] == 0


def test_the_file_names_what_is_there_already_by_its_weight_alone() -> None:
    source = '/with "quotes" and \\'
    found = tomllib.loads(models_file(WEIGHTS, {AGAIN: source}))["models"]
    assert found == {
        "direct": {"weight": 1},
        "stilts": {"weight": 2},
        AGAIN: {"weight": 4, "source": source},
    }


@pytest.mark.slow
def test_three_variants_of_the_service_share_its_engines_by_weight(
    embedded_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Far within what equal shares would be, which are off by 1.33."""
    monkeypatch.setattr(shares, "ROUNDS", 1)
    monkeypatch.setattr(shares, "ROUND_S", 8.0)
    monkeypatch.setenv("XCOPA_THREADS", "1")
    [result] = shares.measure(Console(stderr=True))
    assert result.details["waiting_at_least"] > 0
    assert result.value < 0.25
