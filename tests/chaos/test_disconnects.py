"""Callers that leave before the answer cost nobody else anything, and leave nothing behind."""

from __future__ import annotations

import random
import time
from http import HTTPStatus

import pytest

from tests.chaos.client import PREDICT, Abandoned, Crowd, Reply, close_to, in_background, item
from tests.chaos.service import FaultyServer, Metrics, wait_until

pytestmark = pytest.mark.slow

QUEUED = 200
MID_BODY = 50
STEADY = 10
ROWS_AN_ITEM = 2
CLIENT_GONE = 499

STORMERS = 8
LEAVERS_A_STORM = 240
MOST_GROWTH_MIB = 32.0
"""Far more than the allocator may keep; far less than what a leak of bodies would take."""


def answered_rows(after: Metrics, before: Metrics) -> float:
    return ROWS_AN_ITEM * after.since(before, "xcopa_items_total", outcome="answered")


def test_what_is_abandoned_in_the_queue_never_reaches_the_engine(server: FaultyServer) -> None:
    """Hundreds leave while the engine is held; only those who stayed are computed."""
    before, lines = server.metrics, len(server.output)
    gone = server.responses(PREDICT, CLIENT_GONE)
    held = server.hold_engine()
    leavers = [Abandoned(server.url, item(number)) for number in range(QUEUED)]
    leavers += [Abandoned(server.url, item(number), share=0.5) for number in range(MID_BODY)]
    server.wait_for_queue(QUEUED)
    steady = [in_background(server.call, PREDICT, item(number)) for number in range(STEADY)]
    server.wait_for_queue(QUEUED + STEADY)
    for number, leaver in enumerate(leavers):
        leaver.leave(reset=number % 2 == 0)
    server.wait_for_queue(STEADY)
    server.faults.clear()
    replies = [each.result() for each in (held, *steady)]
    assert {reply.status for reply in replies} == {HTTPStatus.OK}
    server.wait_for_queue(0)
    after = server.metrics
    assert after.since(before, "xcopa_items_total", outcome="cancelled") == QUEUED
    assert after.since(before, "xcopa_items_total", outcome="answered") == 1 + STEADY
    assert after.since(before, "xcopa_items_total") == 1 + STEADY + QUEUED
    assert after.since(before, "xcopa_batch_rows_sum") == answered_rows(after, before)
    assert after.value("xcopa_queue_seconds") == 0
    assert not server.tracebacks(since=lines)
    server.wait_for_responses(PREDICT, CLIENT_GONE, gone + QUEUED + MID_BODY)


def storm(server: FaultyServer, seed: int) -> None:
    """Callers leave at any moment: before, while and after the server works on their call."""
    chance = random.Random(seed)  # noqa: S311 - the same storm every time
    for number in range(LEAVERS_A_STORM // STORMERS):
        leaver = Abandoned(server.url, item(number), share=chance.choice((0.0, 0.5, 1.0, 1.0)))
        time.sleep(chance.choice((0.0, 0.001, 0.005, 0.02)))
        leaver.leave(reset=chance.random() < 0.5)


def storms(server: FaultyServer, seed: int) -> None:
    stormers = [in_background(storm, server, seed + number) for number in range(STORMERS)]
    for stormer in stormers:
        stormer.result()


def test_a_storm_of_disconnects_costs_the_steady_nothing(server: FaultyServer) -> None:
    """Steady callers get every answer, right; the process holds no more than before the storm."""
    expected = [server.call(PREDICT, item(number)).logits for number in range(3)]

    def ask(number: int) -> tuple[int, Reply]:
        return number, server.call(PREDICT, item(number))

    storms(server, seed=0)  # after this one, threads and buffers that come to stay have come
    server.wait_for_queue(0)
    before, footprint, lines = server.metrics, server.footprint, len(server.output)
    steady = Crowd(len(expected), ask)
    storms(server, seed=100)
    storms(server, seed=200)
    replies = steady.stop()
    server.wait_for_queue(0)
    after = server.metrics
    for number, reply in replies:
        assert reply.logits == close_to(expected[number])
    assert after.value("xcopa_queue_seconds") == 0
    answered = after.since(before, "xcopa_items_total", outcome="answered")
    cancelled = after.since(before, "xcopa_items_total", outcome="cancelled")
    assert cancelled > 0
    assert answered >= len(replies)
    assert answered + cancelled <= len(replies) + 2 * LEAVERS_A_STORM
    assert after.since(before, "xcopa_items_total") == answered + cancelled, "one outcome each"
    rows = after.since(before, "xcopa_batch_rows_sum")
    assert answered_rows(after, before) <= rows <= ROWS_AN_ITEM * (answered + cancelled)
    wait_until(lambda: server.footprint.descriptors <= footprint.descriptors, "sockets are closed")
    assert server.footprint.threads <= footprint.threads
    assert server.footprint.resident_mib <= footprint.resident_mib + MOST_GROWTH_MIB
    assert not server.tracebacks(since=lines)
