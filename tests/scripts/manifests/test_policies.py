"""Each policy holds for every overlay, and fails when the line that it is about is not there."""

from __future__ import annotations

import copy

import pytest

from scripts.manifests.manifests import Manifests
from scripts.manifests.overlays import SERVICE_OVERLAYS
from scripts.manifests.policies import POLICIES
from scripts.manifests.policy import Policy
from tests.scripts.manifests.changes import GONE, changed
from tests.scripts.manifests.conftest import Rendered

BY_NAME = {policy.name: policy for policy in POLICIES}
POD = "spec.template.spec."
CONTAINER = POD + "containers.0."
DOWN = "spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown."

CHANGES: list[tuple[str, str, str, object]] = [
    ("startup-probe", "Deployment", CONTAINER + "startupProbe", GONE),
    ("startup-probe", "Deployment", CONTAINER + "startupProbe.httpGet.path", "/readyz"),
    ("startup-probe", "Deployment", CONTAINER + "startupProbe.failureThreshold", 3),
    ("liveness-probe", "Deployment", CONTAINER + "livenessProbe", GONE),
    ("liveness-probe", "Deployment", CONTAINER + "livenessProbe.httpGet.path", "/readyz"),
    ("liveness-probe", "Deployment", CONTAINER + "livenessProbe.httpGet.port", "http"),
    ("liveness-probe", "Deployment", CONTAINER + "livenessProbe.failureThreshold", 1),
    ("readiness-probe", "Deployment", CONTAINER + "readinessProbe", GONE),
    ("readiness-probe", "Deployment", CONTAINER + "readinessProbe.httpGet.path", "/livez"),
    ("readiness-probe", "Deployment", CONTAINER + "readinessProbe.failureThreshold", 3),
    ("readiness-probe", "ConfigMap", "data.XCOPA_DRAIN_DELAY_S", GONE),
    ("pre-stop", "Deployment", CONTAINER + "lifecycle", GONE),
    ("pre-stop", "Deployment", CONTAINER + "lifecycle.preStop.sleep.seconds", 1),
    ("grace", "Deployment", POD + "terminationGracePeriodSeconds", GONE),
    ("grace", "Deployment", POD + "terminationGracePeriodSeconds", 60),
    ("grace", "ConfigMap", "data.XCOPA_DRAIN_GRACE_S", "60"),
    ("grace", "Deployment", CONTAINER + "lifecycle.preStop.sleep.seconds", 30),
    ("service-links", "Deployment", POD + "enableServiceLinks", GONE),
    ("token", "Deployment", POD + "automountServiceAccountToken", GONE),
    ("token", "ServiceAccount", "automountServiceAccountToken", GONE),
    ("token", "Deployment", POD + "serviceAccountName", "default"),
    ("resources", "Deployment", CONTAINER + "resources", GONE),
    ("resources", "Deployment", CONTAINER + "resources.requests.cpu", "500m"),
    ("resources", "Deployment", CONTAINER + "resources.limits.memory", GONE),
    ("whole-cores", "Deployment", CONTAINER + "resources.limits.cpu", "1500m"),
    ("whole-cores", "ConfigMap", "data.XCOPA_THREADS", "8"),
    ("read-only-root", "Deployment", CONTAINER + "securityContext.readOnlyRootFilesystem", GONE),
    ("writable-tmp", "Deployment", CONTAINER + "volumeMounts", GONE),
    ("writable-tmp", "Deployment", POD + "volumes.0.emptyDir.sizeLimit", GONE),
    ("user", "Deployment", POD + "securityContext.runAsNonRoot", GONE),
    ("user", "Deployment", POD + "securityContext.runAsUser", GONE),
    ("seccomp", "Deployment", POD + "securityContext.seccompProfile", GONE),
    ("rights", "Deployment", CONTAINER + "securityContext.allowPrivilegeEscalation", GONE),
    ("rights", "Deployment", CONTAINER + "securityContext.capabilities", GONE),
    ("pinned-image", "Deployment", CONTAINER + "image", "xcopa-service"),
    ("pinned-image", "Deployment", CONTAINER + "image", "registry:5000/xcopa-service"),
    ("pinned-image", "Deployment", CONTAINER + "image", "xcopa-service:latest"),
    ("api-keys", "ConfigMap", "data.XCOPA_API_KEYS_FILE", GONE),
    ("api-keys", "Deployment", CONTAINER + "volumeMounts.1", GONE),
    ("api-keys", "Deployment", CONTAINER + "volumeMounts.1.subPath", "keys"),
    ("api-keys", "Deployment", POD + "volumes.1.secret.optional", True),
    ("api-keys", "Deployment", POD + "volumes.1.secret.items.0.path", "other"),
    ("api-keys", "Deployment", POD + "volumes.1.secret.defaultMode", 0o444),
    ("network", "NetworkPolicy", "spec.podSelector.matchLabels", GONE),
    ("network", "NetworkPolicy", "spec.policyTypes.1", GONE),
    ("network", "NetworkPolicy", "spec.ingress.0.from", GONE),
    ("network", "NetworkPolicy", "spec.ingress.1.ports", GONE),
    ("network", "NetworkPolicy", "spec.egress", [{}]),
    ("disruptions", "PodDisruptionBudget", "spec.selector.matchLabels", GONE),
    ("disruptions", "PodDisruptionBudget", "spec.maxUnavailable", GONE),
    ("disruptions", "PodDisruptionBudget", "spec.unhealthyPodEvictionPolicy", GONE),
    ("spread", "Deployment", POD + "topologySpreadConstraints", GONE),
    ("spread", "Deployment", POD + "topologySpreadConstraints.0", GONE),
    ("spread", "Deployment", POD + "topologySpreadConstraints.1.labelSelector.matchLabels", {}),
    ("update", "Deployment", "spec.strategy", GONE),
    ("update", "Deployment", "spec.strategy.rollingUpdate.maxUnavailable", 1),
    ("replicas", "Deployment", "spec.replicas", 1),
    ("scaling", "ScaledObject", "spec.triggers.0", GONE),
    ("scaling", "ScaledObject", "spec.triggers.0.metadata.ignoreNullValues", GONE),
    ("scaling", "ScaledObject", "spec.triggers.1.metadata.query", "sum(xcopa_queue_seconds)"),
    ("scaling", "ScaledObject", "metadata.namespace", GONE),
    ("scaling", "ScaledObject", "metadata.namespace", "other"),
    ("scaling", "ScaledObject", "spec.scaleTargetRef.name", "other"),
    ("scaling", "ScaledObject", "spec.minReplicaCount", 0),
    ("scaling", "ScaledObject", "spec.fallback", GONE),
    ("scaling", "ScaledObject", DOWN + "stabilizationWindowSeconds", 0),
    ("services", "Service", "spec.selector", {}),
    ("services", "Service", "spec.ports.0.targetPort", "metrics"),
    ("services", "Service", "spec.ports.0.targetPort", "https"),
    ("services", "Service", "metadata.name", "other"),
    ("scraping", "ServiceMonitor", "spec.jobLabel", GONE),
    ("scraping", "ServiceMonitor", "spec.jobLabel", "app.kubernetes.io/component"),
    ("scraping", "ServiceMonitor", "spec.endpoints.0.port", "http"),
    ("scraping", "ServiceMonitor", "spec.selector.matchLabels", {}),
]
"""The policy that must fail, the first resource of a kind, a field of it, and its new value."""


@pytest.mark.parametrize("name", SERVICE_OVERLAYS)
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_it_holds(overlay: Rendered, name: str, policy: Policy) -> None:
    assert policy.complaints(overlay(name)) == []


@pytest.mark.parametrize(
    ("policy", "kind", "path", "value"),
    CHANGES,
    ids=lambda value: "gone" if value is GONE else str(value),
)
def test_it_fails_without_its_line(
    overlay: Rendered, policy: str, kind: str, path: str, value: object
) -> None:
    has_all = kind in ("ScaledObject", "ServiceMonitor")
    found = changed(overlay("keda" if has_all else "cpu"), kind, path, value)
    assert BY_NAME[policy].complaints(found)


def test_every_policy_is_seen_to_fail() -> None:
    assert {name for name, *_ in CHANGES} == set(BY_NAME)


def test_models_that_change_at_run_time_make_the_end_longer(overlay: Rendered) -> None:
    """A generation more may still be ending, which nothing counted."""
    grace = POD + "terminationGracePeriodSeconds"
    enough_for_one = changed(overlay("cpu"), "Deployment", grace, 75)
    assert BY_NAME["grace"].complaints(enough_for_one) == []
    two = changed(enough_for_one, "ConfigMap", "data.XCOPA_MODEL_CONTROL", "true")
    assert BY_NAME["grace"].complaints(two)


def test_an_unscraped_pod_that_is_not_ready_is_found(overlay: Rendered) -> None:
    found = copy.deepcopy(list(overlay("keda").resources))
    [metrics] = [each for each in found if each["metadata"]["name"] == "xcopa-metrics"]
    del metrics["spec"]["publishNotReadyAddresses"]
    assert BY_NAME["scraping"].complaints(Manifests(found))


def test_replicas_that_the_autoscaler_decides_are_not_in_the_deployment(overlay: Rendered) -> None:
    found = changed(overlay("keda"), "Deployment", "spec.replicas", 2)
    assert BY_NAME["replicas"].complaints(found)


def only(manifests: Manifests, unwanted: str) -> Manifests:
    return Manifests([each for each in manifests.resources if each["kind"] != unwanted])


@pytest.mark.parametrize(
    ("policy", "kind"),
    [
        ("network", "NetworkPolicy"),
        ("disruptions", "PodDisruptionBudget"),
        ("token", "ServiceAccount"),
        ("services", "Service"),
    ],
)
def test_a_resource_that_is_missing_is_found(overlay: Rendered, policy: str, kind: str) -> None:
    assert BY_NAME[policy].complaints(only(overlay("cpu"), kind))


def test_a_complaint_names_the_policy_and_the_reason(overlay: Rendered) -> None:
    found = changed(overlay("cpu"), "Deployment", POD + "enableServiceLinks", True)
    [complaint] = BY_NAME["service-links"].complaints(found)
    assert complaint.startswith("service-links: enableServiceLinks is not false")
    assert "XCOPA_PORT" in complaint
