"""What cannot be run here is left out with a reason, before hours are spent on the rest."""

from __future__ import annotations

import pytest

from app.engine import target
from app.settings import Settings
from loadtests.study.comparisons import FULL_RUN, QUICK
from loadtests.study.left_out import runnable

pytestmark = pytest.mark.usefixtures("tiny_settings")


def test_a_checkpoint_without_an_adapter_has_none_to_keep_apart() -> None:
    kept, why = runnable(FULL_RUN, Settings())
    assert {name for name in why if "adapter" in name} == {"adapter", "variants, adapter apart"}
    assert "without an adapter" in why["adapter"]
    assert len(kept) == len(FULL_RUN) - len(why)


def test_a_processor_without_bf16_leaves_its_comparisons_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(target, "lacks_bf16", lambda device: "this one is old")
    _, why = runnable(FULL_RUN, Settings())
    assert {name for name in why if "adapter" not in name} == {"precision", "variants, bf16"}
    assert "this one is old" in why["precision"]


def test_a_quick_run_needs_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "lacks_bf16", lambda device: "this one is old")
    assert runnable(QUICK, Settings()) == (list(QUICK), {})
