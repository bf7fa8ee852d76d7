"""Pictures have the panels of the dashboards, and their values in words that people read."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from observability.pictures import Series, Span, _name, draw, expression, head, shown
from tests.deploy.expressions import DASHBOARDS


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.0, "s", "0 s"),
        (0.00025, "s", "250 µs"),
        (0.0125, "s", "12.5 ms"),
        (2.0, "s", "2 s"),
        (0.125, "percentunit", "12.5 %"),
        (2_500_000, "bytes", "2.5 MB"),
        (1_500, "reqps", "1.5 k/s"),
        (12.0, "none", "12"),
        (float("nan"), "none", "-"),
    ],
)
def test_a_value_is_shown_in_its_unit(value: float, unit: str, words: str) -> None:
    assert shown(value, unit) == words


def test_every_choice_is_all() -> None:
    asked = 'rate(x{model=~"$model", instance=~"$instance"}[$__rate_interval])'
    assert expression(asked) == 'rate(x{model=~".*", instance=~".*"}[1m])'


def test_a_series_has_the_name_that_grafana_gives_it() -> None:
    labels = {"__name__": "x", "job": "xcopa", "model": "direct", "route": "/rank"}
    assert _name(labels, "{{model}} p99 {{route}}{{absent}}") == "direct p99 /rank"
    assert _name(labels, "") == "model=direct, route=/rank"


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_drawn_with_all_its_queries(dashboard: Path, tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(query: str) -> list[Series]:
        asked.append(query)
        # Every third is without traffic.
        values = [[1.0, "0.5"], [2.0, "0.75"]]
        return [{"metric": {"model": "direct"}, "values": values}] if len(asked) % 3 else []

    content = json.loads(dashboard.read_text(encoding="utf-8"))
    draw(content, ask, tmp_path / "made.png", [Span("XcopaStalled", 1.0, 2.0)])
    assert (tmp_path / "made.png").read_bytes().startswith(b"\x89PNG")
    targets = [target for panel in content["panels"] for target in panel.get("targets", [])]
    assert asked == [expression(target["expr"]) for target in targets]


def test_the_names_of_alerts_stood_on_the_title() -> None:
    figure = Figure(figsize=(15, 18), dpi=80)
    names = ("XcopaBudgetBurnsFast", "XcopaQueueSaturated", "XcopaLosesItems", "XcopaStalled")
    head(figure, "XCOPA: overview", [Span(name, 0, 1) for name in names], 60)
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    places = [text.get_window_extent(renderer) for text in figure.texts]
    assert len(places) == 2 + len(names)
    for one, other in itertools.combinations(places, 2):
        assert not one.overlaps(other)
