"""A result: the median of its runs, with the interval, the unit and the target."""

from __future__ import annotations

import json

import pytest

from loadtests.bench.page import DATA
from loadtests.bench.results import RATIO, BenchResult, medians, milliseconds


def test_a_result_of_runs_has_their_median_and_extremes() -> None:
    result = BenchResult.of("packed over padded", RATIO, [3, 1, 10], ">= 1.6", threads=2)
    assert (result.value, result.least, result.greatest) == (3, 1, 10)
    assert (result.unit, result.target, result.details) == ("ratio", ">= 1.6", {"threads": 2})


def test_a_result_of_one_run_is_that_run() -> None:
    result = BenchResult.of("recovery", "s", [0.5])
    assert (result.value, result.least, result.greatest) == (0.5, 0.5, 0.5)


def test_a_result_survives_its_file() -> None:
    result = BenchResult.of("step", "s", [1.0, 2.0], "<= 3", statuses={"200": 5}, sizes=[1, 2])
    assert BenchResult.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_medians_of_runs_that_were_made_side_by_side() -> None:
    assert medians([(1.04, 10.6), (2.08, 30.6), (3.0, 20.6)]) == [2, 21]
    assert medians([(1.04, 10.6), (2.08, 30.6), (3.0, 20.66)], 1) == [2.1, 20.7]


def test_milliseconds() -> None:
    assert (milliseconds(0.01234), milliseconds(0.01234, 2)) == (12.3, 12.34)
    assert repr(milliseconds(0.01234, None)) == "12"


@pytest.mark.parametrize(
    ("target", "verdict"),
    [
        *((">= 2", "met"), (">= 2.1", "missed"), ("<= 1e-4", "missed"), ("> 2", "missed")),
        *(("0.85 to 2", "met"), ("2.5 to 3", "missed"), ("", "no target")),
        *(("(stricter)", "no target"), (">= 2.7 on AVX2", "missed (on AVX2)")),
    ],
)
def test_the_verdict_is_that_of_the_median(target: str, verdict: str) -> None:
    assert BenchResult.of("x", RATIO, [1, 2, 9], target).verdict == verdict


def test_every_target_of_the_measurements_has_a_verdict() -> None:
    for content in json.loads(DATA.read_text("utf-8")).values():
        for each in map(BenchResult.from_json, content["results"]):
            assert (each.verdict == "no target") == (each.target in ("", "(stricter)"))
