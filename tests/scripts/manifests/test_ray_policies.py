"""Each policy holds for deploy/ray, and fails when the line that it is about is not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.manifests.__main__ import complaints
from scripts.manifests.manifests import Manifests
from scripts.manifests.overlays import OVERLAYS, RAY
from scripts.manifests.policies import POLICIES, policies_of
from scripts.manifests.policy import Policy
from scripts.manifests.ray_policies import DRAIN, RAY_POLICIES
from scripts.manifests.render import renderer
from scripts.manifests.schemas import newest_releases, schema_complaints
from tests.scripts.manifests.changes import GONE, changed
from tests.scripts.manifests.conftest import Rendered

BY_NAME = {policy.name: policy for policy in RAY_POLICIES}
SERVICE = "RayService"
CLUSTER = "spec.rayClusterConfig."
HEAD_POD = CLUSTER + "headGroupSpec.template.spec."
HEAD = HEAD_POD + "containers.0."
WORKERS = CLUSTER + "workerGroupSpecs.0."
POD = WORKERS + "template.spec."
WORKER = POD + "containers.0."
OF_NODES = "NetworkPolicy/xcopa-ray-nodes"
OF_HEAD = "NetworkPolicy/xcopa-ray-head"
OF_WORKERS = "NetworkPolicy/xcopa-ray-workers"
ARGS = "applications: [{name: xcopa, args: {replicas: 2, max_replicas: %d}}]"
EVERYBODY: list[dict[str, object]] = [{"podSelector": {}}]

CHANGES: list[tuple[str, str, str, object]] = [
    ("service-links", SERVICE, HEAD_POD + "enableServiceLinks", GONE),
    ("service-links", SERVICE, POD + "enableServiceLinks", GONE),
    ("resources", SERVICE, HEAD + "resources.limits.memory", "8Gi"),
    ("resources", SERVICE, WORKER + "resources.requests.cpu", "1"),
    ("read-only-root", SERVICE, HEAD + "securityContext.readOnlyRootFilesystem", GONE),
    ("read-only-root", SERVICE, WORKER + "securityContext.readOnlyRootFilesystem", GONE),
    ("writable-tmp", SERVICE, HEAD_POD + "volumes.0.emptyDir.sizeLimit", GONE),
    ("writable-tmp", SERVICE, POD + "volumes.0.emptyDir.sizeLimit", GONE),
    ("user", SERVICE, HEAD_POD + "securityContext.runAsNonRoot", GONE),
    ("seccomp", SERVICE, POD + "securityContext.seccompProfile", GONE),
    ("rights", SERVICE, HEAD + "securityContext.allowPrivilegeEscalation", GONE),
    ("rights", SERVICE, WORKER + "securityContext.capabilities", GONE),
    ("pinned-image", SERVICE, WORKER + "image", "xcopa-ray"),
    ("api-keys", "ConfigMap", "data.XCOPA_API_KEYS_FILE", GONE),
    ("api-keys", SERVICE, POD + "volumes.2.secret.optional", True),
    ("api-keys", SERVICE, WORKER + "volumeMounts.2", GONE),
    ("spread", SERVICE, POD + "topologySpreadConstraints.1", GONE),
    ("token", SERVICE, HEAD_POD + "automountServiceAccountToken", GONE),
    ("token", SERVICE, POD + "automountServiceAccountToken", True),
    ("authentication", SERVICE, CLUSTER + "authOptions", GONE),
    ("authentication", SERVICE, CLUSTER + "authOptions.mode", "disabled"),
    ("cores", SERVICE, CLUSTER + "headGroupSpec.rayStartParams.num-cpus", GONE),
    ("cores", SERVICE, CLUSTER + "headGroupSpec.rayStartParams.num-cpus", "1"),
    ("cores", SERVICE, WORKER + "resources.limits.cpu", "2"),
    ("room", SERVICE, "spec.serveConfigV2", ARGS % 4),
    ("room", SERVICE, "spec.serveConfigV2", "applications: [{args: {replica: 3}}]"),
    ("room", SERVICE, WORKERS + "minReplicas", 3),
    ("room", "ConfigMap", "data.XCOPA_THREADS", "8"),
    ("size", SERVICE, WORKERS + "maxReplicas", 8),
    ("drain", "ConfigMap", "data." + DRAIN, GONE),
    ("drain", "ConfigMap", "data." + DRAIN, "60"),
    ("drain", "ConfigMap", "data.XCOPA_DRAIN_GRACE_S", "90"),
    ("drain", SERVICE, POD + "terminationGracePeriodSeconds", 100),
    ("drain", SERVICE, POD + "terminationGracePeriodSeconds", GONE),
    ("network", OF_NODES, "spec.policyTypes", ["Ingress"]),
    ("network", OF_NODES, "spec.ingress.0.from", EVERYBODY),
    ("network", OF_NODES, "spec.ingress.0.from", GONE),
    ("network", OF_NODES, "spec.egress.1.to", GONE),
    ("network", OF_HEAD, "spec.ingress.0.from", EVERYBODY),
    ("network", OF_HEAD, "spec.ingress.0.ports", GONE),
    ("network", OF_HEAD, "spec.ingress.0.ports.0.port", "gcs-server"),
    ("network", OF_WORKERS, "spec.ingress.0.ports.0.port", 10001),
    ("network", OF_WORKERS, "spec.ingress.1.from", EVERYBODY),
    ("disruptions", "PodDisruptionBudget", "spec.minAvailable", 4),
    ("disruptions", "PodDisruptionBudget", "spec.minAvailable", GONE),
    ("disruptions", "PodDisruptionBudget", "spec.unhealthyPodEvictionPolicy", GONE),
    ("disruptions", "PodDisruptionBudget", "spec.selector.matchLabels", {"a": "b"}),
]
"""The policy that must fail, the resource, a field of it, and its new value."""


@pytest.mark.parametrize("policy", RAY_POLICIES, ids=lambda policy: policy.name)
def test_it_holds(ray_service: Manifests, policy: Policy) -> None:
    assert policy.complaints(ray_service) == []


@pytest.mark.parametrize(
    ("policy", "kind", "path", "value"),
    CHANGES,
    ids=lambda value: "gone" if value is GONE else str(value),
)
def test_it_fails_without_its_line(
    ray_service: Manifests, policy: str, kind: str, path: str, value: object
) -> None:
    assert BY_NAME[policy].complaints(changed(ray_service, kind, path, value))


def test_every_policy_is_seen_to_fail() -> None:
    assert {name for name, *_ in CHANGES} == set(BY_NAME)


@pytest.mark.parametrize(
    ("policy", "kind"), [("network", "NetworkPolicy"), ("disruptions", "PodDisruptionBudget")]
)
def test_a_resource_that_is_missing_is_found(
    ray_service: Manifests, policy: str, kind: str
) -> None:
    left = [each for each in ray_service.resources if each["kind"] != kind]
    assert BY_NAME[policy].complaints(Manifests(left))


def test_a_complaint_names_the_group_of_the_pods(ray_service: Manifests) -> None:
    found = changed(ray_service, SERVICE, HEAD_POD + "enableServiceLinks", True)
    [complaint] = BY_NAME["service-links"].complaints(found)
    assert complaint.startswith("service-links: head: enableServiceLinks is not false")


def test_a_rayservice_is_held_against_its_own_policies(
    ray_service: Manifests, overlay: Rendered
) -> None:
    assert policies_of(ray_service) is RAY_POLICIES
    assert policies_of(overlay("cpu")) is POLICIES


@pytest.mark.skipif(renderer() is None, reason="neither kustomize nor kubectl is installed")
def test_an_overlay_of_ones_own_is_checked_too(tmp_path: Path) -> None:
    patch = "- {op: replace, path: /spec/rayClusterConfig/workerGroupSpecs/0/minReplicas, value: 3}"
    text = f"""\
resources: [{os.path.relpath(RAY, tmp_path)}]
patches:
  - target: {{kind: RayService}}
    patch: |-
      {patch}
"""
    (tmp_path / "kustomization.yaml").write_text(text, encoding="utf-8")
    found = "; ".join(complaints(tmp_path))
    assert "room: the workers have room for 3 replicas; 3 and the new one of an update" in found
    assert "size: cpu: 3 to 4 workers" in found
    assert RAY in OVERLAYS


@pytest.mark.parametrize("release", newest_releases())
def test_the_pods_in_it_are_valid_and_what_is_wrong_is_named(
    ray_service: Manifests, release: str
) -> None:
    assert list(schema_complaints(ray_service.resources, release)) == []
    found = changed(ray_service, SERVICE, POD + "enableServiceLink", False)
    [complaint] = schema_complaints(found.resources, release)
    assert "PodTemplate xcopa-cpu" in complaint
    assert "enableServiceLink" in complaint


def test_a_changed_setting_is_a_change_of_the_pods(ray_service: Manifests) -> None:
    """The name of the map ends with a digest, which the RayService has too."""
    [settings] = ray_service.of_kind("ConfigMap")
    name = settings["metadata"]["name"]
    assert name != "xcopa-ray-settings"
    assert f"'name': '{name}'" in str(ray_service.of_kind(SERVICE))
