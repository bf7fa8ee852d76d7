"""What a side runs in a slice."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.study import side_run
from loadtests.study.side import Side
from loadtests.study.side_run import opened_side


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The batches that were run, of ten that cost nothing."""
    found: list[int] = []
    works = [lambda number=number: found.append(number) for number in range(10)]
    monkeypatch.setattr(side_run, "works_of", lambda *how: works)
    return found


def test_a_slice_is_its_calls_and_slices_of_a_number_begin_alike(ran: list[int]) -> None:
    with opened_side(Side("a", "direct", batch_items=4), 384, None) as run:
        figures = run(1, 3)
        run(1, 3)
        run(2, 1)
    assert (len(figures.calls), figures.items) == (3, 12)
    assert figures.seconds == pytest.approx(sum(figures.calls))
    assert ran == [1, 2, 3, 1, 2, 3, 2]


def test_all_batches_come_to_their_turn(ran: list[int]) -> None:
    with opened_side(Side("a", "direct"), 384, None) as run:
        for number in range(10):
            run(number, 1)
    assert sorted(ran) == list(range(10))


def test_through_http_each_caller_has_so_many_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[bytes, int, int]] = []

    def counted_load(server: Any, bodies: list[bytes], callers: int, requests: int) -> Any:
        asked.append((bodies[0], callers, requests))
        return SimpleNamespace(latencies=[0.1] * callers * requests, seconds=0.5)

    class Server:
        cpu_seconds = 1.0

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *how: object) -> None: ...

    monkeypatch.setattr(side_run, "study_server", lambda *how: Server())
    monkeypatch.setattr(side_run, "counted_load", counted_load)
    with opened_side(Side("a", "direct", how="http", batch_items=8), 384, None) as run:
        figures = run(0, 2)
        run(0, 2)
        run(1, 2)
    assert (figures.items, figures.seconds) == (16, 0.5)
    assert asked[0] == asked[1]
    assert asked[0][0] != asked[2][0]
    assert {each[1:] for each in asked} == {(8, 2)}
