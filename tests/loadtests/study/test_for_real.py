"""Real servers, new ones for each block: an A/A is equivalent, and 5 % are found.

Blocks and seconds are those of a full study. ``test_effects.py`` has the power of so many blocks.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.study.effects import Evidence
from loadtests.study.findings import PRIMARY, Findings
from loadtests.study.setting import FULL
from tests.loadtests.study.real import Planted, figure

OF_THE_ENGINE = 0.055
"""Its time is nine tenths of a lone request, so this is 5 % of the request."""


def studied(share: float, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Findings:
    """Compare two services; skip only if the machine was disturbed, as each run has recorded."""
    planted = Planted(share, FULL.blocks, FULL.seconds, FULL.warm_up)
    found = planted.studied(folder, monkeypatch)
    if found.is_disturbed:
        pytest.skip(f"the machine was disturbed in {100 * found.disturbed:.0f} % of the runs")
    return found


@pytest.mark.slow
def test_a_service_is_shown_to_equal_itself(
    embedded_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = studied(0.0, tmp_path, monkeypatch)
    for name in ("p50", PRIMARY):
        assert figure(found, name).verdict == Evidence.EQUIVALENT, found


@pytest.mark.slow
def test_a_planted_slowdown_of_5_percent_is_found_for_real(
    embedded_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = studied(OF_THE_ENGINE, tmp_path, monkeypatch)
    slower, fewer = figure(found, "p50"), figure(found, PRIMARY)
    assert (slower.verdict, fewer.verdict) == (Evidence.MORE, Evidence.LESS), found
    assert slower.ratio.value == pytest.approx(1.05, abs=0.02)
    assert fewer.ratio.value == pytest.approx(1 / 1.05, abs=0.02)
