"""Dashboards and rules speak only of metrics that the service has; promtool agrees."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from app.telemetry.declarations import DECLARATIONS
from observability.dashboards.dashboard import ALERTS
from observability.dashboards.files import texts
from tests.deploy.expressions import (
    DASHBOARDS,
    PROMETHEUS,
    RULES,
    RUNBOOKS,
    alerts,
    panels,
    queries_of_page,
    queries_of_panel,
    rules,
)

SCRAPE_LABELS = {"job", "instance"}

UNDECLARED: Mapping[str, set[str]] = {
    "up": set(),
    "process_resident_memory_bytes": set(),
    "process_cpu_seconds_total": set(),
    "process_open_fds": set(),
    "process_max_fds": set(),
    "process_start_time_seconds": set(),
    "python_gc_collections_total": {"generation"},
}
"""What Prometheus makes of a scrape, and what its library says of the process."""

Known = Mapping[str, set[str]]
"""The labels of each metric."""


@pytest.fixture(scope="module")
def known() -> Known:
    """What a scrape of the service brings, and what Prometheus adds to it."""
    declared = {
        series: {*labels, *SCRAPE_LABELS}
        for metric in DECLARATIONS
        for series, labels in metric.series.items()
    }
    undeclared = {name: {*labels, *SCRAPE_LABELS} for name, labels in UNDECLARED.items()}
    return {**declared, **undeclared, **recorded()}


def rule_tests() -> Iterator[dict[str, Any]]:
    for file in RULES:
        tests = file.with_name(f"{file.stem}_test.yml")
        yield from yaml.safe_load(tests.read_text(encoding="utf-8"))["tests"]


def recorded() -> Known:
    """Recording rules are named ``level:metric:operation``; the level lists their labels."""
    names = [rule["record"] for rule in rules() if "record" in rule]
    return {name: set(name.split(":")[0].split("_")) for name in names}


def unknown(expression: str, known: Known) -> list[str]:
    """Name the metrics of an expression that do not exist, and labels that they do not have."""
    selectors: list[promql.VectorSelector] = []
    grouped: set[str] = set()

    def visit(node: promql.Expr) -> None:
        if isinstance(node, promql.VectorSelector):
            selectors.append(node)
        elif isinstance(node, promql.AggregateExpr) and node.modifier:
            grouped.update(node.modifier.labels)

    promql.walk(promql.parse(expression), visit)
    if not selectors:
        assert expression.startswith("vector(")
        return []
    names = [str(selector.name) for selector in selectors]
    problems = [name for name in names if name not in known]
    for selector in selectors:
        matched = {matcher.name for matcher in selector.matchers.matchers}
        extra = matched - known.get(str(selector.name), matched)
        problems += [f"{selector.name}{{{label}}}" for label in extra]
    available = set().union(*(known.get(name, grouped) for name in names))
    return problems + [f"by ({label})" for label in grouped - available]


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.name)
def test_dashboards_ask_only_for_what_exists(dashboard: Path, known: Known) -> None:
    problems = {
        f"{panel['title']}: {query}": unknown(query, known)
        for panel in panels(dashboard)
        for query in queries_of_panel(panel)
    }
    assert {title: found for title, found in problems.items() if found} == {}


def test_the_files_are_what_the_code_says() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in DASHBOARDS}
    assert written == texts(), "out of date; run `make dashboards`"


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.name)
def test_the_sdk_reads_what_grafana_is_to_read(dashboard: Path) -> None:
    content = json.loads(dashboard.read_text(encoding="utf-8"))
    for annotation in content["annotations"]["list"]:
        for extra in ALERTS:
            del annotation[extra]
    read = models.Dashboard.from_json(content)
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == content


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.name)
def test_a_panel_without_a_value_says_so_and_is_not_red(dashboard: Path) -> None:
    for panel in panels(dashboard):
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["noValue"]
        steps = defaults.get("thresholds", {}).get("steps", [{}])
        assert steps[0].get("color") != "red", panel["title"]


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.name)
def test_panels_rate_before_they_sum_and_divide_by_nothing_that_may_be_zero(
    dashboard: Path,
) -> None:
    for query in (query for panel in panels(dashboard) for query in queries_of_panel(panel)):
        assert not re.search(r"(rate|increase)\((sum|max|min|avg)", query)
        assert "histogram_quantile" not in query or query.endswith(">= 0")
        divisors = query.split(" / ")[1:]
        # A budget and a curve are never zero.
        assert all(re.search(r"> 0\)$|slo_budget|_curve_", each) for each in divisors), query


def test_slow_requests_lead_to_their_traces() -> None:
    traced = [
        panel
        for dashboard in DASHBOARDS
        for panel in panels(dashboard)
        if any(target.get("exemplar") for target in panel["targets"])
    ]
    assert len(traced) >= 4
    for panel in traced:
        [link] = panel["fieldConfig"]["defaults"]["links"]
        assert link["url"].startswith("${traces}/search?service=xcopa")


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.name)
def test_alerts_are_shown_on_the_time_axis(dashboard: Path, known: Known) -> None:
    content = json.loads(dashboard.read_text(encoding="utf-8"))
    [annotation] = content["annotations"]["list"]
    assert annotation["expr"] == 'ALERTS{alertstate="firing", alertname=~"Xcopa.*"}'
    assert all(name.startswith("Xcopa") for name in alerts())


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.name)
def test_the_variables_of_dashboards_exist(dashboard: Path, known: Known) -> None:
    content = json.loads(dashboard.read_text(encoding="utf-8"))
    variables = {variable["name"]: variable for variable in content["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]\w*)", dashboard.read_text(encoding="utf-8")))
    assert used == set(variables)
    for variable in variables.values():
        if variable["type"] == "query":
            asked = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"])
            assert asked is not None
            assert asked[2] in known[asked[1]]


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.name)
def test_panels_have_ids_of_their_own_and_do_not_overlap(dashboard: Path) -> None:
    content = json.loads(dashboard.read_text(encoding="utf-8"))
    ids = [panel["id"] for panel in content["panels"]]
    assert len(ids) == len(set(ids))
    cells = [
        (column, line)
        for grid in (panel["gridPos"] for panel in content["panels"])
        for column in range(grid["x"], grid["x"] + grid["w"])
        for line in range(grid["y"], grid["y"] + grid["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < 24


def test_rules_ask_only_for_what_exists(known: Known) -> None:
    problems = {rule["expr"]: unknown(rule["expr"], known) for rule in rules()}
    assert {expression: found for expression, found in problems.items() if found} == {}


def test_prometheus_reads_all_rules() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    assert config["rule_files"] == [file.name for file in RULES]


def test_every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    checks = [check for test in rule_tests() for check in test.get("alert_rule_test", [])]
    assert {check["alertname"] for check in checks if check.get("exp_alerts")} == set(alerts())
    assert {check["alertname"] for check in checks if not check.get("exp_alerts")} == set(alerts())


def test_every_alert_explains_itself_and_has_a_runbook() -> None:
    for name, rule in alerts().items():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"runbook_url", "summary", "description"}
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{name}.md"
    assert {page.stem for page in RUNBOOKS} == set(alerts())


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_a_runbook_says_where_to_look_and_what_to_do(page: Path, known: Known) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {page.stem}\n")
    queries = queries_of_page(page)
    assert queries
    problems = {query: unknown(query, known) for query in queries}
    assert {query: found for query, found in problems.items() if found} == {}
    assert "\n* " in text.partition("\n## Do\n")[2]


def test_no_expression_sums_before_it_rates() -> None:
    """Else a restart, or a second service, is a step of the sum."""
    for rule in rules():
        assert not re.search(r"(rate|increase)\((sum|max|min|avg)", rule["expr"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "rules.yml", "models.yml", "slo.yml"),
        ("test", "rules", "rules_test.yml", "models_test.yml", "slo_test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_agrees(arguments: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed; it comes with Prometheus")
    checked = subprocess.run(
        [promtool, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
