"""What is noted of a request on its way."""

from __future__ import annotations

from app.api.record import RequestRecord, begin, record_of
from app.engine.tokenizer import CausalItem
from app.serving.answer import Ask


def test_a_request_has_one_record_and_without_one_nothing_is_kept() -> None:
    scope: dict[str, object] = {}
    record_of(scope).items = 3
    assert record_of(scope).items == 0
    begun = begin(scope)
    assert record_of(scope) is begun


def test_texts_are_kept_up_to_a_length_of_all_items_together() -> None:
    asks = [Ask(CausalItem("x" * 9_000, "a", "b", "cause"), "direct")] * 3
    about = RequestRecord()
    about.asked(asks, texts=True)
    assert about.texts == [["x" * 9_000, "a", "b"]]
    assert about.items == 3
