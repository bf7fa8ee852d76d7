"""A plan in one sentence, as tables, and as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from planning.figures import SimulatedFigure
from planning.report import PlanReport, best_of, in_milliseconds, summary, tables
from planning.simulation import Fleet
from planning.study import FleetSize, Goal, LossFigures
from planning.traffic import Traffic
from planning.whole import WholeFigures
from tests.planning.examples import exactly, figures, usual

SIZE = FleetSize(2, 4, figures(4, 1_200, 0.2), figures(3, 1_200, 0.3))
LOADS = [
    (policy, figures(4, rate, p99))
    for policy, p99 in (("jsq", 0.05), ("random", 0.1))
    for rate in (100.0, 2_000.0)
]
REPORT = PlanReport(
    fleet=Fleet(usual(), 4, "two"),
    traffic=Traffic(1_200.0),
    goal=Goal(0.35, 1),
    sizes=[SIZE],
    loads=LOADS,
    loss=LossFigures(1, 1.5, figures(4), figures(3, p99=0.3), exactly(0.4)),
    whole=None,
)


def test_the_answer_is_one_sentence() -> None:
    assert summary(REPORT) == (
        "4 replicas with 2 engines each answer 1,200 requests a second with a p99 of 300±0 ms "
        "while 1 of the replicas is down; 350 ms are wanted. Requests go to the better of two "
        "replicas at random."
    )


def test_the_answer_for_one_replica_has_no_plural() -> None:
    alone = replace(SIZE, engines=1, replicas=1)
    report = replace(REPORT, sizes=[alone], goal=Goal(0.35))
    assert summary(report).startswith(
        "1 replica with 1 engine answers 1,200 requests a second with a p99 of 300±0 ms; 350 ms"
    )


@pytest.mark.parametrize(
    ("seconds", "half", "text"),
    [
        (0.1234, 0.0123, "123±12"),
        (0.01234, 0.00123, "12.3±1.2"),
        (0.00123, 0.0, "1.23±0.00"),
        (2.0, 0.5, "2,000±500"),
    ],
)
def test_a_time_has_three_digits_that_count(seconds: float, half: float, text: str) -> None:
    assert in_milliseconds(SimulatedFigure(seconds, seconds - half, seconds + half)) == text


def test_a_time_that_is_infinite_is_a_dash() -> None:
    assert in_milliseconds(SimulatedFigure(math.inf, 0.1, math.inf)) == "-"


def test_the_fewest_engines_are_best_and_of_equals_the_fewest_replicas() -> None:
    sizes = [replace(SIZE, engines=e, replicas=r) for e, r in ((1, 9), (2, 4), (4, 2), (16, 1))]
    assert best_of(sizes) == sizes[2]


def test_the_tables_have_what_was_found() -> None:
    sizes, loss, loads = tables(REPORT)
    assert sizes.rows == [("2", "4", "8", "50.0±0.0", "200±0", "300±0", "50.0 %")]
    assert loss.title == "1 replica lost"
    assert loss.rows == [
        ("p99 before, ms", "200±0"),
        ("p99 at that moment, ms", "400±0"),
        ("p99 afterwards, ms", "300±0"),
        ("refused afterwards", "0.0 %"),
        ("requests asked again", "1.50"),
    ]
    assert loads.columns == (
        *("requests a second", "jsq p50, ms", "jsq p99, ms", "random p50, ms", "random p99, ms"),
    )
    assert loads.rows == [
        ("100", "12.5±0.0", "50.0±0.0", "25.0±0.0", "100±0"),
        ("2,000", "12.5±0.0", "50.0±0.0", "25.0±0.0", "100±0"),
    ]


def test_what_was_not_simulated_has_no_row() -> None:
    assert REPORT.loss is not None
    without = replace(REPORT, loss=replace(REPORT.loss, moment_p99=None))
    names = [row[0] for row in list(tables(without))[1].rows]
    assert "p99 at that moment, ms" not in names
    assert len(list(tables(replace(REPORT, loss=None)))) == 2


def test_a_fleet_that_was_simulated_whole_has_a_table() -> None:
    whole = WholeFigures(6_000, 1_000_000, 0.9871, exactly(0.03), exactly(0.2))
    *_, table = tables(replace(REPORT, whole=whole))
    assert table.title == "All 6,000 replicas at once"
    assert table.rows == [("1,000,000", "0.987", "30.0±0.0", "200±0")]


def test_the_report_is_json_without_infinite_numbers() -> None:
    report = replace(REPORT, loads=[("jsq", figures(p99=math.inf))])
    content = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert content["format"] == 1
    assert content["summary"] == summary(REPORT)
    assert content["recommended"]["replicas"] == 4
    assert content["loads"][0]["policy"] == "jsq"
    assert content["loads"][0]["p99"] == {"value": None, "low": None, "high": None}
    assert content["fleet"]["speed"]["profile"]["batch_tokens"] == 512
    assert content["traffic"]["rate"] == 1_200
