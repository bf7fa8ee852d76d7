"""Options that are numbers: what is none ends with one line that names it."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from loadtests.capacity.command import cli as capacity
from loadtests.comparison.command import cli as comparison
from loadtests.mlperf.command import cli as mlperf
from loadtests.number_options import finite

OPTIONS = [
    *((capacity, each) for each in ("--p99-ms", "--errors", "--at-least", "--precision")),
    *((capacity, each) for each in ("--confidence", "--most-s")),
    *((mlperf, each) for each in ("--p99-ms", "--seconds", "--most-s", "--precision")),
    (comparison, "--seconds"),
]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400", "1e300", "-1", "x"])
@pytest.mark.parametrize(("cli", "option"), OPTIONS, ids=lambda each: str(each)[:12])
def test_a_number_that_is_none_was_a_traceback_or_ran_for_ever(
    cli: typer.Typer, option: str, value: str
) -> None:
    if (option, value) == ("--at-least", "1e300"):
        return  # too much to ask for, but a number
    done = CliRunner().invoke(cli, [option, value])
    assert done.exit_code == 2
    assert option in done.output


def test_a_number_or_none_stays_as_it_is() -> None:
    assert finite(3.5) == 3.5
    assert finite(None) is None
