"""The rules of ``observability/prometheus`` as the custom resource of prometheus-operator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "observability/prometheus"
FILE = ROOT / "deploy/kubernetes/components/prometheus-operator/prometheusrule.yaml"

_HEAD = "# `make manifests` writes this from observability/prometheus; do not edit it.\n"
_WIDTH = 100


class _Dumper(yaml.SafeDumper):
    """Writes expressions as people read them, line by line."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def groups() -> list[dict[str, Any]]:
    """Return the groups of all files that the scrape configuration names, in its order."""
    config = yaml.safe_load((RULES / "prometheus.yml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = []
    for name in config["rule_files"]:
        found += yaml.safe_load((RULES / name).read_text(encoding="utf-8"))["groups"]
    return found


def text() -> str:
    """Return the file, as it should be."""
    labels = {"app.kubernetes.io/name": "xcopa", "app.kubernetes.io/part-of": "xcopa"}
    resource = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "xcopa", "labels": labels},
        "spec": {"groups": groups()},
    }
    return _HEAD + yaml.dump(resource, Dumper=_Dumper, sort_keys=False, width=_WIDTH)
