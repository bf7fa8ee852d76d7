"""What becomes of a request of an open load."""

from __future__ import annotations

import time

from loadtests.capacity.live import SentRequest, SteadyArrivals
from tests.loadtests.capacity.test_command import CASE, sound
from tests.loadtests.mlperf.answering import service


def test_a_request_is_late_from_when_it_was_due() -> None:
    answered = SentRequest(due=10.0, sent=14.0, ended=14.1, is_sound=True)
    assert answered.is_late(now=15, bound_s=1)
    assert not answered.is_late(now=15, bound_s=5)
    assert not answered.has_failed


def test_a_request_that_waits_is_late_after_the_bound_and_has_not_failed() -> None:
    waiting = SentRequest(due=10.0, sent=10.0)
    assert not waiting.is_late(now=10.9, bound_s=1)
    assert waiting.is_late(now=11.1, bound_s=1)
    assert not waiting.has_failed


def test_what_is_not_sound_is_late_and_has_failed() -> None:
    failed = SentRequest(due=10.0, sent=10.0, ended=10.1)
    assert failed.is_late(now=11, bound_s=5)
    assert failed.has_failed


def test_a_generator_that_was_held_up_counts_the_wait_and_says_so() -> None:
    """All requests are due at once, half a second ago: none of them was fast."""
    with service(sound) as asked:
        load = SteadyArrivals(asked, CASE, rate=1e6, seed=1)
        load._due = time.monotonic() - 0.5
        load.send_until(load._due + 1e-5)
        load.wait()
    assert load.requests
    assert load.latencies().quantile(0) >= 0.49
    assert load.lag_s >= 0.49
