"""Real servers where other tests run beside: a slowdown that no noise hides is seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.study.effects import FEWEST_BLOCKS, Evidence
from loadtests.study.findings import DISTURBED, PRIMARY
from tests.loadtests.study.real import Planted, figure

TWICE = Planted(share=1.0, blocks=FEWEST_BLOCKS, seconds=0.5, warm_up=0.2)


@pytest.mark.slow
def test_an_engine_that_takes_twice_as_long_is_seen_beside_other_tests(
    embedded_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdict, if the machine lets there be one, is the right one."""
    found = TWICE.studied(tmp_path, monkeypatch)
    slower, fewer = figure(found, "p50"), figure(found, PRIMARY)
    assert slower.ratio.value > 1.3
    assert fewer.ratio.value < 1 / 1.3
    assert slower.verdict in (Evidence.MORE, Evidence.NONE, DISTURBED)
    assert fewer.verdict in (Evidence.LESS, Evidence.NONE, DISTURBED)
