"""The longest end of the process counts each step, as often as it is taken."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from app import longest_end as module
from app.longest_end import longest_end
from app.telemetry import log_writer, tracing

LIMITS = [
    (module, "STUCK_ENGINE_GRACE_S", {}, 1),
    (module, "STUCK_ENGINE_GRACE_S", {"generations": 2}, 2),
    (module, "STOP_LIMIT_S", {}, 1),
    (module, "STOP_LIMIT_S", {"generations": 2}, 2),
    (module, "LAST_WORDS_S", {"servers": 2}, 2),
    (module, "RESPONSE_GRACE_S", {}, 1),
    (module, "RESPONSE_GRACE_S", {"servers": 2}, 2),
    (tracing, "CLOSE_S", {}, 1),
    (log_writer, "CLOSE_S", {}, 1),
]


@pytest.mark.parametrize(("owner", "name", "how", "times"), LIMITS)
def test_a_limit_that_grows_makes_the_end_longer(
    owner: ModuleType, name: str, how: dict[str, Any], times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a stuck engine and a silent collector take was left out: the process was killed."""
    before = longest_end(5, 30, **how)
    monkeypatch.setattr(owner, name, getattr(owner, name) + 100)
    assert longest_end(5, 30, **how) == pytest.approx(before + 100 * times)


def test_the_drain_comes_first() -> None:
    assert longest_end(7, 40) == pytest.approx(longest_end(0, 0) + 47)
