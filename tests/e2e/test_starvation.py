"""A list of items is answered while single items keep coming, all from one address."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx

SINGLES, LISTS, MOST = 14, 2, 1_500
ITEM = {"premise": "The lamp broke.", "choice1": "It fell.", "choice2": "It rained."}


def test_lists_are_answered_while_single_items_keep_coming(tiny_client: httpx.Client) -> None:
    """They were answered when the single items stopped, and not before."""
    answered = threading.Event()
    asked: list[int] = []

    def ask_single() -> None:
        while not answered.is_set() and len(asked) < MOST:
            reply = tiny_client.post("/predict/xcopa", json=ITEM | {"question": "cause"})
            asked.append(reply.status_code)

    def ask_lists() -> list[int]:
        call = {"items": [ITEM | {"question": "effect"}] * 8}
        return [tiny_client.post("/predict/xcopa/batch", json=call).status_code for _ in range(2)]

    with ThreadPoolExecutor(SINGLES + LISTS) as threads:
        for _ in range(SINGLES):
            threads.submit(ask_single)
        lists = [threads.submit(ask_lists) for _ in range(LISTS)]
        statuses = [status for each in lists for status in each.result()]
        answered.set()
    assert statuses == [200] * 2 * LISTS
    assert set(asked) == {200}
    assert len(asked) < MOST, "the single items had to stop first"
