"""A call has as many items as the service takes, also after a bad minute."""

from __future__ import annotations

from models.evaluation.ask.call_size import CALL_ITEMS, GOOD_CALLS, CallSize


def test_what_is_too_much_is_halved_and_one_item_is_the_least() -> None:
    calls = CallSize()
    for size in (64, 32, 3, 1):
        calls.too_large(size)
    assert calls.most == 1


def test_full_calls_that_are_answered_let_it_grow_back_and_smaller_ones_do_not() -> None:
    calls = CallSize()
    calls.too_large(32)
    for _ in range(99):
        calls.answered(15)
    assert calls.most == 16
    for size in (16, 32):
        for _ in range(GOOD_CALLS):
            calls.answered(size)
    assert calls.most == CALL_ITEMS


def test_each_attempt_in_vain_makes_the_next_one_later() -> None:
    calls = CallSize()
    calls.too_large(64)
    needed = []
    for _ in range(3):
        good = 0
        while calls.most == CALL_ITEMS // 2:
            calls.answered(32)
            good += 1
        needed.append(good)
        calls.too_large(64)
    assert needed == [GOOD_CALLS, 2 * GOOD_CALLS, 4 * GOOD_CALLS]
