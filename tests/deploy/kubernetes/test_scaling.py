"""What KEDA asks Prometheus is about the replicas of its own namespace, and of no other."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.manifests.manifests import Manifests
from scripts.manifests.overlays import KUBERNETES
from scripts.manifests.policies import POLICIES
from scripts.manifests.render import render, renderer
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(
    renderer() is None or shutil.which("promtool") is None,
    reason="kustomize or kubectl, and promtool, are needed",
)

PAGE = ROOT / "docs/how-to/kubernetes.md"
OWN, OTHER = "xcopa", "team-a"

# Of one replica in each namespace; both are at the same address, as in two clusters.
QUEUE_S = {OWN: 3, OTHER: 100}
BUSY = {OWN: 0.5, OTHER: 1.0}


def series() -> list[dict[str, Any]]:
    found = []
    for namespace in (OWN, OTHER):
        labels = f'namespace="{namespace}", job="xcopa", instance="10.0.0.1:8001"'
        busy = 60 * BUSY[namespace]
        found += [
            {"series": f"xcopa_queue_seconds{{{labels}}}", "values": f"{QUEUE_S[namespace]}x20"},
            {"series": f"xcopa_engines_planned{{{labels}}}", "values": "1x20"},
            {
                "series": f'xcopa_engine_busy_seconds_total{{{labels}, engine="0"}}',
                "values": f"0+{busy}x20",
            },
        ]
    return found


def assert_asks_for(scaled: dict[str, Any], namespace: str, folder: Path) -> None:
    """Have promtool ask what KEDA asks, where both namespaces are scraped."""
    values = {"queue-seconds": QUEUE_S[namespace], "busy-engines": BUSY[namespace]}
    asked = [
        {
            "expr": trigger["metadata"]["query"],
            "eval_time": "10m",
            "exp_samples": [{"labels": "{}", "value": values[trigger["name"]]}],
        }
        for trigger in scaled["spec"]["triggers"]
    ]
    assert len(asked) == len(values)
    test = {"interval": "1m", "input_series": series(), "promql_expr_test": asked}
    file = folder / "test.yml"
    file.write_text(yaml.safe_dump({"tests": [test]}), encoding="utf-8")
    done = subprocess.run(
        ["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_two_installations_under_one_prometheus_do_not_scale_each_other(tmp_path: Path) -> None:
    """Queries without a namespace added up the queues of both: each followed the sum."""
    [scaled] = Manifests(render(KUBERNETES / "overlays/keda")).of_kind("ScaledObject")
    assert_asks_for(scaled, OWN, tmp_path)


def own_overlay(folder: Path, *, replaced: bool) -> Manifests:
    """Render an overlay in another namespace, with the lines that the page shows or without."""
    keda = os.path.relpath(KUBERNETES / "overlays/keda", folder)
    text = f"namespace: {OTHER}\nresources: [{keda}]\n"
    if replaced:
        [lines] = re.findall(
            r"```yaml\n(replacements:\n.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
        )
        text += lines
    (folder / "kustomization.yaml").write_text(text, encoding="utf-8")
    return Manifests(render(folder))


def test_an_overlay_in_another_namespace_scales_by_that_one(tmp_path: Path) -> None:
    manifests = own_overlay(tmp_path, replaced=True)
    [scaled] = manifests.of_kind("ScaledObject")
    assert_asks_for(scaled, OTHER, tmp_path)
    assert [found for policy in POLICIES for found in policy.complaints(manifests)] == []


def test_an_overlay_that_scales_by_another_namespace_is_told_so(tmp_path: Path) -> None:
    manifests = own_overlay(tmp_path, replaced=False)
    found = [found for policy in POLICIES for found in policy.complaints(manifests)]
    assert [each.partition(" (")[0] for each in found] == [
        f"scaling: {trigger}: it reads {OWN}, and not {OTHER} alone"
        for trigger in ("queue-seconds", "busy-engines")
    ]
