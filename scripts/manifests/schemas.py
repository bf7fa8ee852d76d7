"""Resources against the schemas of the newest releases of Kubernetes (kubernetes-validate)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import kubernetes_validate

from scripts.manifests.ray_pods import RAY_SERVICE, pod_templates
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
        for each in _known(resource):
            kind, name = each["kind"], each["metadata"]["name"]
            try:
                kubernetes_validate.validate(each, release, strict=True)
            except (
                kubernetes_validate.ValidationError,
                kubernetes_validate.SchemaNotFoundError,
            ) as error:
                yield f"Kubernetes {release}: {kind} {name}: {error.message}"


def _known(resource: Resource) -> list[Resource]:
    """Return what of a resource Kubernetes has a schema of; of a RayService that is its pods."""
    if resource["kind"] == RAY_SERVICE:
        return pod_templates(resource)
    return [] if resource["kind"] in CUSTOM else [resource]
