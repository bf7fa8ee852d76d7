"""A dashboard of ours: rows of panels, with the variables, links and annotations that all have."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from observability.dashboards.panels import DATASOURCE, PanelSpec

TAG = "xcopa"
TRACES_AT = "http://127.0.0.1:16686"
"""Where Jaeger shows traces, unless somebody writes another address into the variable."""

ALERTS = {
    "titleFormat": "{{alertname}}",
    "textFormat": "{{instance}} {{model}} {{slo}}",
    "tagKeys": "severity",
    "useValueForTime": False,
}
"""What Grafana reads of an annotation from Prometheus, and the SDK has no names for."""

_CHOICES = {
    "instance": "label_values(xcopa_ready, instance)",
    "model": "label_values(xcopa_request_duration_seconds_count, model)",
    "route": "label_values(xcopa_request_duration_seconds_count, route)",
}


@dataclass(frozen=True)
class RowSpec:
    """Panels under a heading."""

    title: str
    panels: Sequence[PanelSpec]


@dataclass(frozen=True)
class DashboardSpec:
    """A dashboard."""

    uid: str
    """Also the name of its file."""
    title: str
    help: str
    rows: Sequence[RowSpec]
    choices: Sequence[str] = ("instance", "model", "route")
    """Of ``_CHOICES``: those that its queries have."""

    def build(self) -> models.Dashboard:
        """Return the dashboard as the SDK has it."""
        made = builders.Dashboard(self.title).uid(self.uid).description(self.help).tags([TAG])
        made.refresh("10s").time("now-30m", "now").readonly()
        made.tooltip(models.DashboardCursorSync.CROSSHAIR)
        made.with_variable(builders.DatasourceVariable("datasource").type("prometheus"))
        for name in self.choices:
            made.with_variable(_choice(name))
        if any(panel.traced for row in self.rows for panel in row.panels):
            made.with_variable(builders.TextBoxVariable("traces").default_value(TRACES_AT))
        made.annotation(_alerts())
        made.link(_others())
        numbers = iter(range(1, 1_000))
        for row in self.rows:
            made.with_row(builders.Row(row.title).id(next(numbers)))
            for panel in row.panels:
                made.with_panel(panel.build(next(numbers)))
        return made.build()

    def to_json(self) -> dict[str, Any]:
        """Return the dashboard as Grafana reads it."""
        content: dict[str, Any] = json.loads(json.dumps(self.build(), cls=JSONEncoder))
        [alerts] = content["annotations"]["list"]
        alerts.update(ALERTS)
        return content


def _choice(name: str) -> builders.QueryVariable:
    everything = models.VariableOption(text=["All"], value=["$__all"])
    variable = builders.QueryVariable(name).query(_CHOICES[name]).datasource(DATASOURCE)
    variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    variable.sort(models.VariableSort.ALPHABETICAL_ASC)
    return variable.multi(True).include_all(True).current(everything)


def _alerts() -> builders.AnnotationQuery:
    query = builders.AnnotationQuery().name("Alerts").datasource(DATASOURCE).enable(True)
    return query.icon_color("red").expr('ALERTS{alertstate="firing", alertname=~"Xcopa.*"}')


def _others() -> builders.DashboardLink:
    link = builders.DashboardLink("Dashboards").type(models.DashboardLinkType.DASHBOARDS)
    return link.tags([TAG]).as_dropdown(True).keep_time(True).include_vars(True)
