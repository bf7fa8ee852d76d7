"""The service beside the echo."""

from __future__ import annotations

import pytest
from rich.console import Console

from loadtests.bench import null
from loadtests.bench.null import over_echo
from loadtests.bench.wrk import WrkRound


def test_each_round_is_compared_with_the_one_beside_it() -> None:
    rounds = [
        (WrkRound(4000, 250e-6), WrkRound(10_000, 100e-6)),
        (WrkRound(3000, 260e-6), WrkRound(10_000, 90e-6)),
        (WrkRound(6000, 240e-6), WrkRound(12_000, 95e-6)),
    ]
    result = over_echo(rounds)
    assert [result.least, result.value, result.greatest] == pytest.approx([0.3, 0.4, 0.5])
    assert result.details == {"requests_per_second": [4000, 10_000], "cpu_us_a_request": [250, 95]}


def test_without_wrk_it_says_so_and_measures_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert null.measure(Console(width=200)) == []
    assert "wrk is not installed" in capsys.readouterr().out
