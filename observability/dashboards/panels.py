"""What a panel of ours is: a title, a sentence, and queries; and how Grafana's SDK builds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATASOURCE = common.DataSourceRef("prometheus", "${datasource}")
NO_TRAFFIC = "no traffic"
HEIGHT = 8
TRACES = "${traces}/search?service=xcopa&operation=POST%20${__field.labels.route}"
"""Jaeger's search; the variable ``traces`` is its address."""

OF_INSTANCE = 'instance=~"$instance"'
OF_MODEL = f'model=~"$model", {OF_INSTANCE}'
OF_ROUTE = f'route=~"$route", {OF_MODEL}'
"""What the variables of a dashboard choose."""


_Panel = timeseries.Panel | stat.Panel | table.Panel


class Kind(Enum):
    """How values are shown."""

    NUMBER = "stat"
    LINES = "timeseries"
    TABLE = "table"


@dataclass(frozen=True)
class Query:
    """An expression, and the name of each series that it returns."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class PanelSpec:
    """A panel."""

    title: str
    help: str
    unit: str
    """As Grafana names it, such as ``s`` or ``percentunit``."""
    queries: Sequence[Query]
    kind: Kind = Kind.LINES
    width: int = 8
    """Of 24 columns."""
    stacked: bool = False
    limits: Mapping[float, str] | None = None
    """Colours from these values on; below the first it is green. Where there is no value, Grafana
    shows the first colour, so that is never red."""
    words: Mapping[str, tuple[str, str]] | None = None
    """Texts and colours that stand for values."""
    empty: str = NO_TRAFFIC
    """What is said where there is no value."""
    traced: bool = False
    """Whether its queries bring exemplars, and its series lead to their traces."""

    def build(self, number: int) -> Builder[models.Panel]:
        """Return the builder of the panel, which has this number on its dashboard."""
        made = _KINDS[self.kind](self)
        made.id(number).title(self.title).description(self.help).datasource(DATASOURCE)
        made.unit(self.unit).no_value(self.empty)
        made.height(4 if self.kind is Kind.NUMBER else HEIGHT).span(self.width)
        for place, query in enumerate(self.queries):
            made.with_target(self._target(query, "ABCDEFGH"[place]))
        if self.traced:
            link = builders.DashboardLink("Traces").url(TRACES).target_blank(True)
            made.data_links([link])
        return made

    def _target(self, query: Query, ref: str) -> prometheus.Dataquery:
        target = prometheus.Dataquery().expr(query.expr).ref_id(ref).datasource(DATASOURCE)
        if query.legend:
            target.legend_format(query.legend)
        if self.kind is Kind.TABLE:
            return target.instant().format(PromQueryFormat.TABLE)
        return target.range().exemplar(self.traced)


def _lines(spec: PanelSpec) -> timeseries.Panel:
    legend = common_builders.VizLegendOptions().show_legend(True)
    legend.placement(common.LegendPlacement.BOTTOM).display_mode(common.LegendDisplayMode.LIST)
    tooltip = common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI)
    panel = timeseries.Panel().legend(legend).tooltip(tooltip).min(0).line_width(1)
    if spec.stacked:
        stacking = common_builders.StackingConfig().mode(common.StackingMode.NORMAL)
        panel.stacking(stacking).fill_opacity(40)
    return panel


def _number(spec: PanelSpec) -> stat.Panel:
    reduce = common_builders.ReduceDataOptions().calcs(["lastNotNull"])
    panel = stat.Panel().reduce_options(reduce).color_mode(common.BigValueColorMode.VALUE)
    base = "green" if spec.limits else "text"
    steps = [models.Threshold(None, base)]
    steps += [models.Threshold(value, colour) for value, colour in (spec.limits or {}).items()]
    thresholds = builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)
    panel.thresholds(thresholds)
    if spec.words:
        words = {
            value: models.ValueMappingResult(text=text, color=colour)
            for value, (text, colour) in spec.words.items()
        }
        panel.mappings([models.ValueMap(words)])
    return panel


def _table(_: PanelSpec) -> table.Panel:
    hidden = {"Time": True, "Value": True, "job": True, "__name__": True}
    organize = models.DataTransformerConfig(id_val="organize", options={"excludeByName": hidden})
    return table.Panel().transformations([organize])


_KINDS: Mapping[Kind, Callable[[PanelSpec], _Panel]] = {
    Kind.LINES: _lines,
    Kind.NUMBER: _number,
    Kind.TABLE: _table,
}


def quantile(share: float, histogram: str, by: str, chosen: str) -> str:
    """Return the query of a quantile; without traffic it has no value instead of NaN."""
    rate = f"rate({histogram}_bucket{{{chosen}}}[$__rate_interval])"
    return f"histogram_quantile({share}, sum by ({by}, le) ({rate})) >= 0"


def rate(counter: str, by: str, chosen: str) -> str:
    """Return the query of how often something happens in a second."""
    return f"sum by ({by}) (rate({counter}{{{chosen}}}[$__rate_interval]))"


def over(above: str, below: str) -> str:
    """Return the query of a quotient; without traffic it has no value instead of NaN."""
    return f"{above} / ({below} > 0)"
