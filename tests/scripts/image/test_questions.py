"""Asking the service in a container."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from scripts.image.checks import free_port
from scripts.image.commands import ImageTestError
from scripts.image.questions import Reply, ask, wait_until_busy, waiting_items


def test_items_of_both_models_wait() -> None:
    metrics = (
        "# TYPE xcopa_queue_items gauge\n"
        'xcopa_queue_items{model="direct"} 1.0\nxcopa_queue_items{model="stilts"} 41.0\n'
        'xcopa_queue_tokens{model="stilts"} 900.0\n'
    )
    assert waiting_items(metrics) == 42


def test_a_call_that_is_refused_is_said() -> None:
    refused: Future[Reply] = Future()
    refused.set_result(Reply(413, "too large"))
    with pytest.raises(ImageTestError, match="413 too large"):
        wait_until_busy("127.0.0.1", 9, refused)


def test_a_service_that_does_not_answer_is_said() -> None:
    with pytest.raises(ImageTestError, match=r"127\.0\.0\.1:\d+/livez was not answered: .*refused"):
        ask("127.0.0.1", free_port(), "/livez")
