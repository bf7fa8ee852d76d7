"""Plots are SVG that names what it shows."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from loadtests.report.histogram import LatencyHistogram
from loadtests.report.plots import curves, distributions, latency_against_load, timeline
from loadtests.report.timeline import LoadPoint, Moment


def texts_of(drawn: str) -> set[str]:
    root = ET.fromstring(drawn)  # noqa: S314 - our own
    return {(each.text or "").strip() for each in root.iter() if each.tag.endswith("text")}


def test_latency_against_load_marks_the_bound_and_the_knee() -> None:
    points = [LoadPoint(10, 5, 8, True), LoadPoint(40, 9, 900, False), LoadPoint(30, 7, 400, None)]
    texts = texts_of(latency_against_load(points, 500, {"in time": 29.6, "knee": 10}))
    assert {"bound", "in time: 29.6", "knee: 10", "p50", "p99, holds", "p99, not decided"} <= texts
    assert "knee: 10" not in texts_of(latency_against_load(points, 500, {"knee": None}))


def test_without_a_bound_nothing_is_judged() -> None:
    points = [LoadPoint(1, 5, 8, None), LoadPoint(2, 6, 9, None)]
    texts = texts_of(latency_against_load(points, None, {"knee, users": 2}, "users"))
    assert {"users", "knee, users: 2", "p50", "p99"} <= texts
    assert not texts & {"bound", "p99, not decided"}


def test_a_distribution_has_a_line_for_each_name() -> None:
    seconds = [number / 1000 for number in range(1, 2000)]
    drawn = distributions({"/rank": LatencyHistogram(seconds), "/none": LatencyHistogram()})
    assert {"/rank", "/none", "99 %", "99.9 %"} <= texts_of(drawn)


def test_curves_can_be_drawn_without_a_histogram() -> None:
    assert {"SingleStream", "90 %"} <= texts_of(
        curves({"SingleStream": [(0.5, 0.01), (0.9, 0.02)]})
    )


def test_a_timeline_shows_load_latency_and_batches() -> None:
    moments = [Moment(1, 4, 3.5, 0, 10, 20, None), Moment(2, 4, 3.6, 0.1, 11, 21, 6.5)]
    assert {"users", "answered a s", "failed a s", "p99, ms", "rows of a batch"} <= texts_of(
        timeline(moments, "users")
    )


def test_nothing_can_be_drawn_of_nothing() -> None:
    assert distributions({}).startswith("<svg")
    assert timeline([], "users").startswith("<svg")
    assert latency_against_load([], 500, {}).startswith("<svg")
