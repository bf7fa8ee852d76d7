"""Why requests had no sound answer."""

from __future__ import annotations

import json

import pytest

from loadtests.failures import FailureTally


def problem(title: object, detail: object) -> bytes:
    return json.dumps({"title": title, "detail": detail, "status": 422}).encode()


def test_kinds_are_counted_and_the_first_detail_is_the_example() -> None:
    tally = FailureTally()
    for number in range(3):
        tally.note(429, problem("Too busy", f"retry after {number} s"))
    tally.note(422, problem("Invalid request", "items: at most 256"))
    assert str(tally) == (
        "3 x status 429, Too busy (retry after 0 s); "
        "1 x status 422, Invalid request (items: at most 256)"
    )


def test_what_came_without_a_response_says_why() -> None:
    tally = FailureTally()
    tally.note_error(ConnectionResetError("closed early"))
    tally.note_unsent()
    assert str(tally) == (
        "1 x no response (ConnectionResetError: closed early); "
        "1 x not sent: too many wait for an answer"
    )


def test_an_answer_that_is_not_sound_is_shown() -> None:
    tally = FailureTally()
    tally.note(200, b'{"label": 1}')
    assert str(tally) == '1 x status 200, and not a sound answer ({"label": 1})'


@pytest.mark.parametrize(
    "content", [b"", b"[" * 100_000, b"null", b"\xff", b"{}", problem(1, None)]
)
def test_nothing_that_a_response_holds_raises(content: bytes) -> None:
    tally = FailureTally()
    tally.note(500, content)
    assert str(tally).startswith("1 x status 500")
    assert len(str(tally)) < 300


def test_of_many_kinds_the_most_frequent_are_said() -> None:
    tally = FailureTally()
    for status in range(400, 420):
        for _ in range(status):
            tally.note(status, b"")
    assert [each.split(" x ")[0] for each in str(tally).split("; ")] == ["419", "418", "417"]


def test_without_a_failure_nothing_is_said() -> None:
    assert str(FailureTally()) == ""
