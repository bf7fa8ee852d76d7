"""How far a study is: the blocks that it expects are those that there is time for."""

from __future__ import annotations

import pytest

from loadtests.study.blocks import Budget
from loadtests.study.watch import StudyWatch


class Clock:
    """Goes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def first_line(seconds: float | None, capfd: pytest.CaptureFixture[str]) -> str:
    """Run a block of 40 s, half a minute after the beginning, with 128 expected."""
    clock = Clock()
    watch = StudyWatch(Budget(seconds, clock))
    clock.now = 30.0
    watch.expect(128)
    clock.now = 70.0
    watch.ran("variants")
    return capfd.readouterr().err.strip()


def test_with_time_for_all_blocks_all_are_expected(capfd: pytest.CaptureFixture[str]) -> None:
    for seconds in (None, 70.0 + 127 * 40):
        assert first_line(seconds, capfd) == "variants: 1 of 128 blocks, after 1 min"


def test_the_time_left_was_that_of_blocks_for_which_there_is_none(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert first_line(70.0 + 50 * 40, capfd) == "variants: 1 of 51 blocks, after 1 min"
    assert first_line(60.0, capfd) == "variants: 1 of 1 blocks, after 1 min"


def test_a_model_that_begins_to_answer_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    watch = StudyWatch(Budget(None))
    watch.answered("stilts", 0)
    watch.answered("stilts", 16)
    assert capfd.readouterr().err == "asking stilts for its answers\n"
