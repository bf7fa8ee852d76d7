"""Options that are numbers: what is none ends with one line that names it."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from loadtests.capacity.command import cli as capacity
from loadtests.comparison.command import cli as comparison
from loadtests.mlperf.command import cli as mlperf

OPTIONS = [
    *((capacity, each) for each in ("--p99-ms", "--errors", "--at-least", "--precision")),
    *((capacity, each) for each in ("--confidence", "--most-s")),
    *((mlperf, each) for each in ("--p99-ms", "--seconds", "--most-s", "--precision")),
    (comparison, "--seconds"),
]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400", "1e300", "-1", "x"])
@pytest.mark.parametrize(("cli", "option"), OPTIONS, ids=lambda each: str(each)[:12])
def test_a_number_without_a_limit_ran_for_ever_or_was_a_traceback(
    cli: typer.Typer, option: str, value: str
) -> None:
    done = CliRunner().invoke(cli, [option, value])
    assert done.exit_code == 2
    assert option in done.output
