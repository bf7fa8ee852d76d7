"""What a side without HTTP runs: the engine's own path, also with an adapter beside its base."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.engine.adapted import AdaptedLinear
from app.engine.low_rank import LowRankLinear
from app.settings import Settings
from loadtests.study import works
from loadtests.study.side import Side
from loadtests.study.works import works_of
from tests import tiny
from tests.sample import sample_items

MERGED = Side("merged", "stilts", batch_items=4)
APART = Side("apart", "stilts", how="engine with its adapter apart", batch_items=4)


@pytest.fixture
def adapter(
    tiny_settings: None, tiny_stilts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An adapter in the place of ``stilts``."""
    made = tiny.adapter(tmp_path / "adapter", tiny_stilts)
    monkeypatch.setenv("XCOPA_MODELS__STILTS", str(made))


@pytest.mark.usefixtures("adapter")
def test_an_adapter_apart_was_measured_in_another_librarys_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It runs in the engine, which keeps low-rank products beside the layers of the base."""
    made: list[LowRankLinear] = []
    begin = LowRankLinear.__init__

    def noted(self: LowRankLinear, *how: object, **more: object) -> None:
        made.append(self)
        begin(self, *how, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(LowRankLinear, "__init__", noted)
    works_of(MERGED, sample_items())
    assert made == []
    works_of(APART, sample_items())
    assert made


@pytest.mark.usefixtures("adapter")
def test_an_adapter_apart_gives_the_answers_of_a_merged_one() -> None:
    merged, apart = (works_of(side, sample_items()) for side in (MERGED, APART))
    assert len(merged) == len(apart) == len(sample_items()) // 4
    for one, other in zip(merged, apart, strict=True):
        assert other() == pytest.approx(one(), abs=1e-4)


@pytest.mark.usefixtures("tiny_settings")
def test_a_whole_checkpoint_has_nothing_to_keep_apart() -> None:
    checkpoint = works.checkpoint_of_side("stilts", Settings())
    model = works._model(APART, "stilts", checkpoint)
    assert not any(isinstance(each, AdaptedLinear) for each in model.modules())
