"""Every expression of the rules, the dashboards and the runbooks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import yaml

from tests.conftest import ROOT

PROMETHEUS = ROOT / "observability/prometheus"
RULES = [PROMETHEUS / name for name in ("rules.yml", "models.yml", "slo.yml")]
RUNBOOKS = sorted((ROOT / "docs/runbooks").glob("*.md"))
DASHBOARDS = sorted((ROOT / "observability/grafana/dashboards").glob("*.json"))


def rules() -> Iterator[dict[str, Any]]:
    for file in RULES:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        for group in content["groups"]:
            yield from group["rules"]


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def panels(dashboard: Path) -> list[dict[str, Any]]:
    content = json.loads(dashboard.read_text(encoding="utf-8"))
    return [panel for panel in content["panels"] if panel["type"] != "row"]


def queries_of_panel(panel: dict[str, Any]) -> list[str]:
    """What Grafana asks for a panel when every choice is *All*."""
    expressions = [target["expr"].replace("$__rate_interval", "5m") for target in panel["targets"]]
    return [re.sub(r"\$(instance|model|route)\b", ".*", each) for each in expressions]


def queries_of_page(page: Path) -> list[str]:
    """The PromQL of a page."""
    return re.findall(r"```promql\n(.*?)\n```", page.read_text(encoding="utf-8"), re.DOTALL)


def selectors_of(expression: str) -> list[str]:
    """The series that an expression reads, without their range."""
    found: list[str] = []

    def visit(node: promql.Expr) -> None:
        if isinstance(node, promql.VectorSelector):
            matchers = ", ".join(
                f'{each.name}{_OPERATORS[str(each.op)]}"{each.value}"'
                for each in node.matchers.matchers
            )
            found.append(f"{node.name}{{{matchers}}}")

    promql.walk(promql.parse(expression), visit)
    return found


_OPERATORS = {
    "MatchOp.Equal": "=",
    "MatchOp.NotEqual": "!=",
    "MatchOp.Re": "=~",
    "MatchOp.NotRe": "!~",
}
