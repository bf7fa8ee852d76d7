"""The how-to for Kubernetes says the times, ports and names that the manifests have."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import yaml

from app.longest_end import longest_end
from scripts.manifests.overlays import SERVICE_OVERLAYS
from scripts.manifests.policies import POLICIES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/kubernetes.md").read_text(encoding="utf-8")
KUBERNETES = ROOT / "deploy/kubernetes"


def manifest(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((KUBERNETES / name).read_text(encoding="utf-8"))
    return loaded


def setting(name: str) -> int:
    text = (KUBERNETES / "base/settings.env").read_text(encoding="utf-8")
    [value] = re.findall(rf"(?m)^{name}=(\d+)$", text)
    return int(value)


def test_the_seconds_of_the_end_are_those_of_the_manifests() -> None:
    pod = manifest("base/deployment.yaml")["spec"]["template"]["spec"]
    signal = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    refuses = signal + setting("XCOPA_DRAIN_DELAY_S")
    latest = refuses + math.ceil(longest_end(0, setting("XCOPA_DRAIN_GRACE_S"), servers=2))
    kill = pod["terminationGracePeriodSeconds"]
    rows = re.findall(r"(?m)^\| (?:up to )?(\d+) \|", PAGE)
    assert [int(row) for row in rows] == [0, signal, refuses, latest, kill]


def test_its_ports_and_addresses_of_probes_are_those_of_the_manifests() -> None:
    container = manifest("base/deployment.yaml")["spec"]["template"]["spec"]["containers"][0]
    for name in ("startup", "liveness", "readiness"):
        assert f"| {name} | `{container[f'{name}Probe']['httpGet']['path']}`" in PAGE
    assert f"the metrics port ({setting('XCOPA_METRICS_PORT')})" in PAGE


def test_it_names_every_overlay_and_component() -> None:
    assert [name for name in SERVICE_OVERLAYS if f"| `{name}` |" not in PAGE] == []
    components = {path.name for path in (KUBERNETES / "components").glob("models-*")}
    assert set(re.findall(r"`components/([\w-]+)`", PAGE)) == components


def test_it_counts_the_policies() -> None:
    assert re.findall(r"(\d+) policies", PAGE) == [str(len(POLICIES))]


def test_its_labels_are_those_that_the_network_policy_asks_for() -> None:
    policy = (KUBERNETES / "base/networkpolicy.yaml").read_text(encoding="utf-8")
    labels = set(re.findall(r"kubectl label namespace \S+ (xcopa-\w+)=true", PAGE))
    assert labels == set(re.findall(r'(?m)^ +(xcopa-\w+): "true"$', policy))
