"""What cannot be run here is left out with a reason, before hours are spent on the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.engine import target
from app.settings import Settings
from loadtests.study import left_out
from loadtests.study.comparisons import FULL_RUN, QUICK, SHAPES, of_shape
from loadtests.study.left_out import runnable
from tests import tiny

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


def test_an_adapter_that_would_be_merged_after_all_is_left_out(
    tiny_stilts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = str(tiny.adapter(tmp_path / "adapter", tiny_stilts))
    monkeypatch.setenv("XCOPA_MODELS__STILTS", made)
    monkeypatch.setenv("XCOPA_MODELS__DIRECT", made)
    assert runnable(FULL_RUN, Settings())[1] == {}
    monkeypatch.setattr(left_out, "adapted_layers", lambda model: {})
    _, why = runnable(FULL_RUN, Settings())
    assert set(why) == {"adapter", "variants, adapter apart"}
    assert "more than LoRA" in why["adapter"]


@pytest.mark.parametrize(
    ("free", "left_out_ones"), [(None, []), (8e9, []), (4e9, ["large"]), (1e9, ["base", "large"])]
)
def test_a_shape_that_memory_cannot_hold_ended_the_study(
    free: float | None, left_out_ones: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left_out, "free_memory", lambda: free)
    shapes = [of_shape(shape) for shape in SHAPES]
    kept, why = runnable(shapes, Settings())
    assert [name.rpartition(" ")[2] for name in why] == left_out_ones
    assert len(kept) == 2 - len(why)
    assert all("GB are free" in each for each in why.values())
