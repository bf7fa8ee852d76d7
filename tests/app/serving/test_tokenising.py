"""Texts to rows: once for models that read alike, and never more at a time than is allowed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import cast

import pytest

from app.engine.tokenizer import CausalItem, PairTokenizer, Rows, characters
from app.errors import InvalidRequestError, OverloadedError
from app.serving.tokenising import SHORT_CALL_CHARACTERS, Tokenising

SHORT = CausalItem("It rained.", "He got wet.", "He sang.", "effect")
LONG = CausalItem("It rained. " * SHORT_CALL_CHARACTERS, "He got wet.", "He sang.", "effect")


class Noting:
    """Notes what it is asked for and on which thread; may be held."""

    def __init__(self) -> None:
        self.asked: list[list[CausalItem]] = []
        self.threads: list[str] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def encode(self, items: Sequence[CausalItem]) -> list[Rows | InvalidRequestError]:
        self.may_go_on.wait(10)
        self.asked.append(list(items))
        self.threads.append(threading.current_thread().name)
        return [((len(item.premise),),) for item in items]


def tokenising(
    one: Noting, other: Noting | None = None, most: float = 1e9, threads: int = 1
) -> Tokenising:
    both = {"direct": one, "stilts": other or one}
    return Tokenising(cast("dict[str, PairTokenizer]", both), threads, most)


def of_length(length: int) -> CausalItem:
    """Return an item that has that many characters to read."""
    short = CausalItem("a", "", "b", "effect")
    return CausalItem("a", "c" * (length - characters(short)), "b", "effect")


@pytest.mark.anyio
async def test_a_short_call_stays_on_its_thread_and_a_long_one_does_not() -> None:
    noting = Noting()
    made = tokenising(noting)
    await made.rows([(SHORT, "direct")], 10)
    await made.rows([(LONG, "direct")], 10)
    made.close()
    here, there = noting.threads
    assert here == threading.current_thread().name
    assert there.startswith("xcopa-tokeniser")


@pytest.mark.anyio
async def test_equal_items_for_models_that_read_alike_are_tokenised_once() -> None:
    noting, other = Noting(), Noting()
    calls = [(SHORT, "direct"), (SHORT, "stilts"), (SHORT, "direct")]
    assert await tokenising(noting).rows(calls, 10) == [((10,),)] * 3
    assert noting.asked == [[SHORT]]
    await tokenising(noting, other).rows(calls, 10)
    assert other.asked == [[SHORT]], "a tokenizer of its own reads for itself"


@pytest.mark.anyio
async def test_what_is_late_is_said_to_be_and_no_longer_counts() -> None:
    noting = Noting()
    noting.may_go_on.clear()
    made = tokenising(noting, most=1)
    with pytest.raises(TimeoutError):
        await made.rows([(LONG, "direct")], 0.01)
    noting.may_go_on.set()
    assert len(await made.rows([(LONG, "direct")], 10)) == 1, "one call is always let in"
    made.close()


@pytest.mark.anyio
async def test_too_much_text_at_a_time_is_refused() -> None:
    noting = Noting()
    noting.may_go_on.clear()
    made = tokenising(noting, most=2 * characters(LONG))
    # Two calls may wait, to the last character; a third one may not.
    waiting = [asyncio.create_task(made.rows([(LONG, "direct")], 10)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(OverloadedError) as refused:
        await made.rows([(LONG, "direct")], 10)
    assert refused.value.detail == "too much text waits to be tokenised"
    assert refused.value.retry_after == 1.0
    noting.may_go_on.set()
    await asyncio.gather(*waiting)
    assert len(noting.asked) == 2
    await made.rows([(LONG, "direct")], 10)
    made.close()


@pytest.mark.anyio
async def test_the_longest_short_call_stays_on_its_thread() -> None:
    noting = Noting()
    made = tokenising(noting)
    for more in (0, 1):
        await made.rows([(of_length(SHORT_CALL_CHARACTERS + more), "direct")], 10)
    made.close()
    here, there = noting.threads
    assert here == threading.current_thread().name
    assert here != there


@pytest.mark.anyio
async def test_as_many_threads_read_as_were_asked_for() -> None:
    noting = Noting()
    noting.may_go_on.clear()
    others = set(threading.enumerate())  # those of services that earlier tests closed may still end
    made = tokenising(noting, threads=2)
    calls = [asyncio.create_task(made.rows([(LONG, "direct")], 10)) for _ in range(4)]
    await asyncio.sleep(0)
    own = set(threading.enumerate()) - others
    assert sum(each.name.startswith("xcopa-tokeniser") for each in own) == 2
    noting.may_go_on.set()
    await asyncio.gather(*calls)
    made.close()


@pytest.mark.anyio
async def test_closing_waits_for_nobody_and_gives_up_what_has_not_begun() -> None:
    noting = Noting()
    noting.may_go_on.clear()
    made = tokenising(noting)
    reading, queued = (asyncio.create_task(made.rows([(LONG, "direct")], 10)) for _ in range(2))
    await asyncio.sleep(0)
    made.close()
    assert noting.asked == [], "what is read now goes on"
    noting.may_go_on.set()
    assert len(await reading) == 1
    with pytest.raises(asyncio.CancelledError):
        await queued
    assert len(noting.asked) == 1
