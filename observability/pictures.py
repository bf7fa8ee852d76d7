"""Pictures of the dashboards for the documentation, drawn with matplotlib.

They are not Grafana's own: the panels, their places, queries, units and names of series are those
of the dashboards' JSON, the values are Prometheus's, and the rest is as plain as can be.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from matplotlib import dates, ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Series = Mapping[str, Any]
"""As Prometheus returns it: ``metric`` and ``values``."""
QueryRange = Callable[[str], Sequence[Series]]

NOTICE = "Drawn from Prometheus by this project; not a picture of Grafana."
_CELL = 0.62
_COLUMNS = 24
_MOST_NAMES = 8
_LEAST_TOP = 1e-6
_SI = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


@dataclass(frozen=True)
class Span:
    """A time at which an alert fired, in seconds since 1970."""

    name: str
    begin: float
    end: float


def draw(
    dashboard: Mapping[str, Any], ask: QueryRange, path: Path, alerts: Sequence[Span] = ()
) -> None:
    """Draw a dashboard into a file.

    Args:
        dashboard: Grafana's JSON.
        ask: returns the series of an expression over the time to show.
        path: of the picture.
        alerts: shown as bars behind the lines.
    """
    lines = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
    figure = Figure(figsize=(_COLUMNS * _CELL, (lines + 3) * _CELL * 0.55), dpi=80)
    head(figure, dashboard["title"], alerts, lines + 3)
    for panel in dashboard["panels"]:
        _draw_panel(figure, panel, lines, ask, alerts)
    figure.savefig(path)


def head(figure: Figure, title: str, alerts: Sequence[Span], lines: int) -> None:
    """Write what stands above the panels: title, notice, and the names of alerts in their colours.

    Args:
        figure: of so many ``lines`` of Grafana's grid.
        title: of the dashboard.
        alerts: see ``draw``.
        lines: the height of the figure.
    """
    figure.text(0.01, 1 - 0.8 / lines, title, fontsize=12)
    figure.text(0.99, 1 - 0.8 / lines, NOTICE, ha="right", fontsize=8, color="gray")
    for place, alert in enumerate(alerts):
        at = 0.01 + 0.17 * place
        figure.text(at, 1 - 1.7 / lines, alert.name, fontsize=8, color=_colour(place))


def _draw_panel(
    figure: Figure, panel: Mapping[str, Any], lines: int, ask: QueryRange, alerts: Sequence[Span]
) -> None:
    grid = panel["gridPos"]
    top = 1 - (grid["y"] + 2) / (lines + 3)
    if panel["type"] == "row":
        figure.text(0.01, top - 0.6 / (lines + 3), panel["title"], fontsize=11, weight="bold")
        return
    place = (
        (grid["x"] + 1.1) / (_COLUMNS + 0.4),
        top - (grid["h"] - 1.4) / (lines + 3),
        (grid["w"] - 1.5) / (_COLUMNS + 0.4),
        (grid["h"] - 2.4) / (lines + 3),
    )
    axes = figure.add_axes(place)
    axes.set_title(panel["title"], fontsize=8, loc="left", pad=2)
    found = [
        (_name(each["metric"], target.get("legendFormat", "")), each)
        for target in panel["targets"]
        for each in ask(expression(target["expr"]))
    ]
    if not found:
        _say(axes, panel["fieldConfig"]["defaults"].get("noValue", ""))
    elif panel["type"] == "timeseries":
        _draw_lines(axes, panel, found, alerts)
    else:
        _draw_words(axes, panel, found)


def _colour(place: int) -> str:
    return f"C{3 + place % 7}"


def expression(text: str) -> str:
    """Return an expression as Grafana asks it when every choice is *All*."""
    text = text.replace("$__rate_interval", "1m")
    return re.sub(r"\$(instance|model|route)\b", ".*", text)


def _name(labels: Mapping[str, str], legend: str) -> str:
    if not legend:
        shown = {name: text for name, text in labels.items() if not name.startswith("__")}
        return ", ".join(f"{name}={text}" for name, text in sorted(shown.items()) if name != "job")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend)


def _draw_lines(
    axes: Axes,
    panel: Mapping[str, Any],
    found: Sequence[tuple[str, Series]],
    alerts: Sequence[Span],
) -> None:
    for name, series in found:
        times = [datetime.fromtimestamp(float(at), UTC) for at, _ in series["values"]]
        axes.plot(times, [float(value) for _, value in series["values"]], label=name, lw=0.9)  # type: ignore[arg-type]
    for place, alert in enumerate(alerts):
        begin, end = (datetime.fromtimestamp(at, UTC) for at in (alert.begin, alert.end))
        axes.axvspan(begin, end, color=_colour(place), alpha=0.08, lw=0)  # type: ignore[arg-type]
    unit = panel["fieldConfig"]["defaults"].get("unit", "none")
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: shown(value, unit)))
    axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M"))  # type: ignore[no-untyped-call]
    axes.tick_params(labelsize=6)
    axes.set_ylim(0, 1.05 * max(axes.get_ylim()[1], _LEAST_TOP))
    axes.grid(alpha=0.3)
    if len(found) <= _MOST_NAMES and any(name for name, _ in found):
        axes.legend(fontsize=5, loc="upper left", framealpha=0.5)


def _draw_words(axes: Axes, panel: Mapping[str, Any], found: Sequence[tuple[str, Series]]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    if panel["type"] == "table":
        _say(axes, "\n".join(name for name, _ in found), size=6)
        return
    words = {
        value: each["text"]
        for mapping in defaults.get("mappings", [])
        for value, each in mapping["options"].items()
    }
    parts = []
    for name, series in found:
        last = float(series["values"][-1][1])
        value = words.get(f"{last:g}", shown(last, defaults.get("unit", "none")))
        parts.append(f"{name} {value}" if len(found) > 1 else value)
    _say(axes, "\n".join(parts), size=14 if len(parts) == 1 else 8)


def _say(axes: Axes, text: str, size: int = 10) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=size, transform=axes.transAxes)


def shown(value: float, unit: str) -> str:
    """Return a value in the unit of a panel, short."""
    if not math.isfinite(value):
        return "-"
    if unit == "percentunit":
        return f"{100 * value:.3g} %"
    if unit == "s":
        factor, name = next((each for each in _SECONDS if abs(value) >= each[0]), _SECONDS[-1])
        return f"{value / factor:.3g} {name}" if value else "0 s"
    ending = {"bytes": "B", "reqps": "/s"}.get(unit, "")
    factor, prefix = next((each for each in _SI if abs(value) >= each[0]), (1.0, ""))
    return f"{value / factor:.3g} {prefix}{ending}".rstrip()
