"""Draws results as SVG, which a page can hold: latency against load, distributions, timelines."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from loadtests.report.histogram import LatencyHistogram
from loadtests.report.timeline import LoadPoint, Moment

_BLUE, _ORANGE, _GREEN = "#0072B2", "#D55E00", "#009E73"
"""From the palette of Okabe and Ito, made for all eyes."""

_MARKS = {True: ("o", "holds"), False: ("x", "does not hold"), None: ("s", "not decided")}
_LINES = ((_ORANGE, ":"), (_GREEN, "-."))
"""Of loads that are marked."""

_SMALLEST_REST = 1e-5


def latency_against_load(
    points: Sequence[LoadPoint],
    bound_ms: float | None,
    marks: Mapping[str, float | None],
    offered: str = "offered load, requests a second",
) -> str:
    """Draw p50 and p99 at each load that was tried.

    Args:
        points: in any order.
        bound_ms: what the p99 may be; None where there is no bound.
        marks: loads to mark, such as the knee, by their names; None where there is none.
        offered: what the load is.
    """
    figure, panel = _panel()
    ordered = sorted(points, key=lambda point: point.offered_per_s)
    rates = [point.offered_per_s for point in ordered]
    panel.plot(rates, [point.p50_ms for point in ordered], ".-", color=_GREEN, label="p50")
    panel.plot(rates, [point.p99_ms for point in ordered], "-", color=_BLUE, label="p99")
    if bound_ms is not None:
        _judged(panel, ordered)
        panel.axhline(bound_ms, color="0.4", linestyle="--", label="bound")
    for (name, load), (color, line) in zip(marks.items(), _LINES, strict=False):
        if load is not None:
            panel.axvline(load, color=color, linestyle=line, label=f"{name}: {load:.3g}")
    panel.set(xlabel=offered, ylabel="latency, ms", yscale="log")
    return _svg(figure, panel)


def _judged(panel: Axes, ordered: Sequence[LoadPoint]) -> None:
    """Mark which loads hold the bound."""
    for holds, (mark, name) in _MARKS.items():
        some = [point for point in ordered if point.holds is holds]
        if some:
            xs, ys = [each.offered_per_s for each in some], [each.p99_ms for each in some]
            panel.plot(xs, ys, mark, color=_BLUE, label=f"p99, {name}")


def distributions(histograms: Mapping[str, LatencyHistogram]) -> str:
    """Draw which share of the requests took no longer than what, a line a name."""
    return curves({name: histogram.curve() for name, histogram in histograms.items()})


def curves(of: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Draw the same of curves: shares, and the seconds within which they were answered."""
    figure, panel = _panel()
    for name, points in of.items():
        curve = [point for point in points if 1 - point[0] > _SMALLEST_REST]
        rest = [1 / (1 - share) for share, _ in curve]
        panel.plot(rest, [1000 * seconds for _, seconds in curve], label=name)
    panel.set(xlabel="share of the requests", ylabel="latency, ms", xscale="log", yscale="log")
    panel.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * (1 - 1 / x):.6g} %"))
    return _svg(figure, panel)


def timeline(moments: Sequence[Moment], offered: str) -> str:
    """Draw load, latency and the size of batches over time; ``offered`` names the load."""
    figure = Figure(figsize=(8.4, 6.4), layout="constrained")
    FigureCanvasSVG(figure)
    load, latency, size = figure.subplots(3, 1, sharex=True)
    times = [moment.at_s for moment in moments]
    load.plot(times, [moment.offered for moment in moments], color="0.4", label=offered)
    load.plot(times, [each.answered_per_s for each in moments], color=_BLUE, label="answered a s")
    load.plot(times, [each.failed_per_s for each in moments], color=_ORANGE, label="failed a s")
    latency.plot(times, [moment.p50_ms for moment in moments], color=_GREEN, label="p50, ms")
    latency.plot(times, [moment.p99_ms for moment in moments], color=_BLUE, label="p99, ms")
    rows = [(each.at_s, each.batch_rows) for each in moments if each.batch_rows is not None]
    size.plot([at for at, _ in rows], [count for _, count in rows], color=_BLUE, label="rows")
    size.set(xlabel="seconds", ylabel="rows of a batch")
    for panel in (load, latency, size):
        panel.grid(color="0.9")
        panel.legend(fontsize="small")
    return _text(figure)


def _panel() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(8.4, 4.2), layout="constrained")
    FigureCanvasSVG(figure)
    panel = figure.subplots()
    panel.grid(color="0.9", which="both")
    return figure, panel


def _svg(figure: Figure, panel: Axes) -> str:
    if panel.get_legend_handles_labels()[0]:
        panel.legend(fontsize="small")
    return _text(figure)


def _text(figure: Figure) -> str:
    """Return the drawing without the head of a file: it stands in a page."""
    written = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "xcopa"}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    drawn = written.getvalue()
    return drawn[drawn.index("<svg") :]
