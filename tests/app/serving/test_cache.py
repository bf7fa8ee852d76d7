"""Answers are kept by revision and token ids, up to a number of bytes."""

from __future__ import annotations

from app.serving.cache import ENTRY_OVERHEAD, AnswerCache, answer_key

ROWS = ((0, 7, 2), (0, 8, 9, 2))


def test_the_key_tells_apart_whatever_could_change_the_answer() -> None:
    keys = {
        answer_key("direct a", ROWS),
        answer_key("stilts a", ROWS),
        answer_key("direct b", ROWS),
        answer_key("direct a", ROWS[::-1]),
        answer_key("direct a", ((0, 7, 2, 0), (8, 9, 2))),
        answer_key("direct a", (*ROWS, ROWS[0])),
    }
    assert len(keys) == 6
    assert answer_key("direct a", ROWS) in keys


def keep(cache: AnswerCache[str], key: bytes) -> None:
    cache.begin(key, "item")
    cache.end(key, "item", (0.0, 1.0))


def test_the_answers_used_last_are_kept_within_the_bytes() -> None:
    keys = [answer_key("r", ((number,),)) for number in range(5)]
    entry = len(keys[0]) + ENTRY_OVERHEAD
    cache: AnswerCache[str] = AnswerCache(3 * entry)
    for key in keys[:3]:
        keep(cache, key)
    assert cache.answer(keys[0]) == (0.0, 1.0)
    keep(cache, keys[3])
    assert cache.size == 3 * entry
    assert cache.answer(keys[1]) is None, "the one that was longest unused went"
    assert cache.answer(keys[0]) is not None


def test_an_answer_larger_than_the_cache_is_not_kept() -> None:
    cache: AnswerCache[str] = AnswerCache(10)
    keep(cache, b"key")
    assert cache.size == 0


def test_an_answer_as_large_as_the_cache_is_kept() -> None:
    cache: AnswerCache[str] = AnswerCache(3 + ENTRY_OVERHEAD)
    keep(cache, b"key")
    assert cache.answer(b"key") == (0.0, 1.0)


def test_a_flight_that_was_superseded_does_not_end_its_successor() -> None:
    cache: AnswerCache[str] = AnswerCache(10_000)
    cache.begin(b"key", "old")
    cache.begin(b"key", "new")
    cache.end(b"key", "old", None)
    assert cache.under_way(b"key") == "new"
    cache.end(b"key", "new", None)
    assert cache.under_way(b"key") is None
