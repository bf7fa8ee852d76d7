"""Plots are SVG that names what it shows."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from loadtests.report.histogram import LatencyHistogram
from loadtests.report.plots import distributions, latency_against_load, timeline
from loadtests.report.timeline import LoadPoint, Moment


def texts_of(drawn: str) -> set[str]:
    root = ET.fromstring(drawn)  # noqa: S314 - our own
    return {(each.text or "").strip() for each in root.iter() if each.tag.endswith("text")}


def test_latency_against_load_marks_the_bound_and_the_knee() -> None:
    points = [LoadPoint(10, 5, 8, True), LoadPoint(40, 9, 900, False), LoadPoint(30, 7, 400, None)]
    texts = texts_of(latency_against_load(points, 500, 29.6))
    assert {"bound", "knee: 29.6 a second", "p50", "p99, holds", "p99, not decided"} <= texts
    assert "knee: 29.6 a second" not in texts_of(latency_against_load(points, 500, None))


def test_a_distribution_has_a_line_for_each_name() -> None:
    seconds = [number / 1000 for number in range(1, 2000)]
    drawn = distributions({"/rank": LatencyHistogram(seconds), "/none": LatencyHistogram()})
    assert {"/rank", "/none", "99 %", "99.9 %"} <= texts_of(drawn)


def test_a_timeline_shows_load_latency_and_batches() -> None:
    moments = [Moment(1, 4, 3.5, 0, 10, 20, None), Moment(2, 4, 3.6, 0.1, 11, 21, 6.5)]
    assert {"users", "answered a s", "failed a s", "p99, ms", "rows of a batch"} <= texts_of(
        timeline(moments, "users")
    )


def test_nothing_can_be_drawn_of_nothing() -> None:
    assert distributions({}).startswith("<svg")
    assert timeline([], "users").startswith("<svg")
    assert latency_against_load([], 500, None).startswith("<svg")
