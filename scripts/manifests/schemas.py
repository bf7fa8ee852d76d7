"""Resources against the schemas of the newest releases of Kubernetes (kubernetes-validate)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import kubernetes_validate

from scripts.manifests.render import Resource

NEWEST = 3

CUSTOM = frozenset({"PrometheusRule", "ScaledObject", "ServiceMonitor"})
"""Kinds that operators bring, of which Kubernetes itself has no schema."""


def newest_releases(count: int = NEWEST) -> list[str]:
    """Return the newest releases of Kubernetes that there are schemas for, oldest first."""
    releases: list[str] = kubernetes_validate.utils.all_versions()
    return list(dict.fromkeys(releases))[-count:]


def schema_complaints(resources: Sequence[Resource], release: str) -> Iterator[str]:
    """Yield what is wrong by the schemas of a release; so is a field that they do not have."""
    for resource in resources:
        kind, name = resource["kind"], resource["metadata"]["name"]
        if kind in CUSTOM:
            continue
        try:
            kubernetes_validate.validate(resource, release, strict=True)
        except (
            kubernetes_validate.ValidationError,
            kubernetes_validate.SchemaNotFoundError,
        ) as error:
            yield f"Kubernetes {release}: {kind} {name}: {error.message}"
