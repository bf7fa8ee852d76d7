"""A finished plan: in one sentence, as tables, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from planning.balancing import POLICY_TITLES
from planning.figures import LoadFigures, SimulatedFigure
from planning.simulation import Fleet
from planning.study import FleetSize, Goal, LossFigures
from planning.traffic import Traffic
from planning.whole import WholeFigures

FORMAT = 1
_TEN, _HUNDRED = 10, 100

Cells = Sequence[str]


@dataclass(frozen=True)
class ReportTable:
    """A title, the names of the columns, and the rows."""

    title: str
    columns: Cells
    rows: Sequence[Cells]


@dataclass(frozen=True)
class PlanReport:
    """What was asked, and all that was found."""

    fleet: Fleet
    """The one that is recommended."""
    traffic: Traffic
    goal: Goal
    sizes: Sequence[FleetSize]
    """One for each number of engines that was asked for."""
    loads: Sequence[tuple[str, LoadFigures]]
    """The recommended fleet under other loads, with the name of each policy."""
    loss: LossFigures | None
    """None for a fleet of one replica: to lose it is to lose all."""
    whole: WholeFigures | None
    """Of the recommended fleet in full, where the others are of a smaller one in its place."""

    @property
    def best(self) -> FleetSize:
        """The size that is recommended."""
        return best_of(self.sizes)

    def to_json(self) -> dict[str, Any]:
        """Return everything; a time that is infinite is null."""
        content = asdict(self)
        content["format"] = FORMAT
        content["summary"] = summary(self)
        content["recommended"] = asdict(self.best)
        content["loads"] = [{"policy": name, **asdict(each)} for name, each in self.loads]
        finite: dict[str, Any] = _finite(content)
        return finite


def best_of(sizes: Sequence[FleetSize]) -> FleetSize:
    """Return the size with the fewest engines in all; of equals, that with fewer replicas."""
    return min(sizes, key=lambda size: (size.engines * size.replicas, size.replicas))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value


def summary(report: PlanReport) -> str:
    """Answer the question in one sentence."""
    best, goal = report.best, report.goal
    each = " each" if best.replicas > 1 else ""
    verb = "answers" if best.replicas == 1 else "answer"
    down = f"{goal.replicas_down:,} of the replicas {'is' if goal.replicas_down == 1 else 'are'}"
    lost = f" while {down} down" if goal.replicas_down else ""
    return (
        f"{counted(best.replicas, 'replica')} with {counted(best.engines, 'engine')}{each} {verb} "
        f"{_rate(report.traffic.rate)} requests a second with a p99 of "
        f"{in_milliseconds(best.with_lost.p99)} ms{lost}; {1000 * goal.p99:,.4g} ms are wanted. "
        f"Requests go to {POLICY_TITLES[report.fleet.policy]}."
    )


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def in_milliseconds(figure: SimulatedFigure) -> str:
    """Return a time with half its interval; a dash where requests are not answered at all."""
    if not math.isfinite(figure.value):
        return "-"
    value = 1000 * figure.value
    digits = _digits(value)
    return f"{value:,.{digits}f}±{1000 * (figure.high - figure.value):,.{digits}f}"


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= _HUNDRED else f"{rate:.3g}"


def _digits(value: float) -> int:
    """Return after how many digits behind the point a number has three that count."""
    return 0 if value >= _HUNDRED else 1 if value >= _TEN else 2


def tables(report: PlanReport) -> Iterator[ReportTable]:
    """Yield the tables of a report; times are in milliseconds."""
    yield ReportTable(
        "How many replicas, by their size",
        ("engines each", "replicas", "engines", "p50, ms", "p99, ms", "p99 while down", "busy"),
        [_size_row(size) for size in report.sizes],
    )
    if report.loss is not None:
        yield _loss_table(report.loss)
    yield _loads_table(report)
    if (whole := report.whole) is not None:
        times = in_milliseconds(whole.p50), in_milliseconds(whole.p99)
        yield ReportTable(
            f"All {whole.replicas:,} replicas at once",
            ("requests", "seconds simulated", "p50, ms", "p99, ms"),
            [(f"{whole.requests:,}", f"{whole.seconds:.3g}", *times)],
        )


def _size_row(size: FleetSize) -> Cells:
    return (
        str(size.engines),
        f"{size.replicas:,}",
        f"{size.engines * size.replicas:,}",
        in_milliseconds(size.with_all.p50),
        in_milliseconds(size.with_all.p99),
        in_milliseconds(size.with_lost.p99),
        _percent(size.with_all.busy),
    )


def _loss_table(loss: LossFigures) -> ReportTable:
    rows = [("p99 before, ms", in_milliseconds(loss.before.p99))]
    if loss.moment_p99 is not None:
        rows.append(("p99 at that moment, ms", in_milliseconds(loss.moment_p99)))
    rows += [
        ("p99 afterwards, ms", in_milliseconds(loss.after.p99)),
        ("refused afterwards", _percent(loss.after.refused)),
        ("requests asked again", f"{loss.struck:,.{_digits(loss.struck)}f}"),
    ]
    return ReportTable(f"{counted(loss.replicas, 'replica')} lost", ("", ""), rows)


def _loads_table(report: PlanReport) -> ReportTable:
    """Lay a rate out in one row, with the p50 and the p99 of each policy."""
    policies = list(dict.fromkeys(name for name, _ in report.loads))
    by_rate: dict[float, list[LoadFigures]] = {}
    for _, each in report.loads:
        by_rate.setdefault(each.rate, []).append(each)
    columns = [f"{name} {share}, ms" for name in policies for share in ("p50", "p99")]
    return ReportTable(
        f"{counted(report.best.replicas, 'replica')} under other loads",
        ("requests a second", *columns),
        [
            (_rate(rate), *(_time(each, share) for each in own for share in ("p50", "p99")))
            for rate, own in by_rate.items()
        ],
    )


def _time(figures: LoadFigures, name: str) -> str:
    return in_milliseconds(getattr(figures, name))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
