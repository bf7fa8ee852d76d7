"""Batches of the engine alone are as large as those that the server ran."""

from __future__ import annotations

from loadtests.bench.saturation import batches_of, items_a_batch

COUNT = "xcopa_batch_rows_count"


def test_items_a_batch_are_those_between_the_scrapes_of_the_measured_model() -> None:
    before = {(COUNT, "stilts"): 10.0, (COUNT, "direct"): 0}
    after = {(COUNT, "stilts"): 30.0, (COUNT, "direct"): 999}
    assert items_a_batch(197, before, after) == 10


def test_a_batch_has_at_least_one_item() -> None:
    assert items_a_batch(1, {(COUNT, "stilts"): 0.0}, {(COUNT, "stilts"): 9.0}) == 1


def test_the_engine_runs_about_as_many_items_whatever_the_size_of_a_batch() -> None:
    assert [size * batches_of(size) for size in (1, 10, 60, 1000)] == [300, 300, 300, 1000]
