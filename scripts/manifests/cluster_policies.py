"""What the resources around the pods must say: network, disruptions, spread, scaling, scraping."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from scripts.manifests.manifests import SERVICE, Manifests, selects
from scripts.manifests.policy import Policy
from scripts.manifests.render import Resource

LEAST_REPLICAS = 2
QUEUE = "xcopa_queue_seconds"
JOB = "xcopa"
"""The job of which the rules speak."""


def _of_the_pods(manifests: Manifests, kind: str, field: str) -> list[Resource]:
    """Return the resources of a kind that select the pods."""
    return [
        each
        for each in manifests.of_kind(kind)
        if selects(each["spec"][field].get("matchLabels", {}), manifests.labels)
    ]


def network(manifests: Manifests) -> Iterator[str]:
    found = _of_the_pods(manifests, "NetworkPolicy", "podSelector")
    if not found:
        yield "no NetworkPolicy selects the pods"
    for each in found:
        spec = each["spec"]
        if set(spec["policyTypes"]) != {"Ingress", "Egress"}:
            yield "it does not hold for both directions"
        for rule in spec["ingress"]:
            if not rule.get("from") or not rule.get("ports"):
                yield "a rule lets in everybody, or to every port"
        if any(not rule.get("to") for rule in spec["egress"]):
            yield "a rule lets the pods call everybody"


def disruptions(manifests: Manifests) -> Iterator[str]:
    found = _of_the_pods(manifests, "PodDisruptionBudget", "selector")
    if not found:
        yield "no PodDisruptionBudget selects the pods"
    for each in found:
        if each["spec"]["maxUnavailable"] != 1:
            yield "maxUnavailable is not 1"
        if each["spec"]["unhealthyPodEvictionPolicy"] != "AlwaysAllow":
            yield "a pod that is not ready can keep its node from being drained"


def spread(manifests: Manifests) -> Iterator[str]:
    spreads = {
        each["topologyKey"]
        for each in manifests.pod["topologySpreadConstraints"]
        if selects(each["labelSelector"]["matchLabels"], manifests.labels)
    }
    for topology in ("kubernetes.io/hostname", "topology.kubernetes.io/zone"):
        if topology not in spreads:
            yield f"nothing spreads the pods over {topology}"


def update(manifests: Manifests) -> Iterator[str]:
    rolling = manifests.deployment["spec"]["strategy"]["rollingUpdate"]
    if rolling["maxUnavailable"] + rolling["maxSurge"] != 1:
        yield "more than one pod changes at a time"


def replicas(manifests: Manifests) -> Iterator[str]:
    said = manifests.deployment["spec"].get("replicas")
    scaled = manifests.of_kind("ScaledObject")
    if scaled and said is not None:
        yield "the Deployment says replicas, which each `kubectl apply` sets back"
    if not scaled and (said or 0) < LEAST_REPLICAS:
        yield f"there are fewer than {LEAST_REPLICAS} replicas"


def _triggers(triggers: Sequence[Resource]) -> Iterator[str]:
    if not any(QUEUE in trigger["metadata"]["query"] for trigger in triggers):
        yield f"no trigger reads {QUEUE}"
    for trigger in triggers:
        if trigger["metadata"]["ignoreNullValues"] != "false":
            yield f"{trigger['name']}: no value counts as none waiting"


def _namespaces(scaled: Resource) -> Iterator[str]:
    own = scaled["metadata"]["namespace"]
    for trigger in scaled["spec"]["triggers"]:
        read = re.findall(r'namespace="([^"]*)"', trigger["metadata"]["query"])
        if set(read) != {own}:
            named = ", ".join(read) or "all namespaces"
            yield f"{trigger['name']}: it reads {named}, and not {own} alone"


def scaling(manifests: Manifests) -> Iterator[str]:
    for each in manifests.of_kind("ScaledObject"):
        spec = each["spec"]
        if spec["scaleTargetRef"]["name"] != SERVICE:
            yield "it scales something else"
        if spec["minReplicaCount"] < LEAST_REPLICAS:
            yield f"it may go below {LEAST_REPLICAS} replicas"
        yield from _triggers(spec["triggers"])
        yield from _namespaces(each)
        if spec["fallback"]["behavior"] != "currentReplicasIfHigher":
            yield "without Prometheus it takes replicas away"
        down = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
        if down["stabilizationWindowSeconds"] <= manifests.pod["terminationGracePeriodSeconds"]:
            yield "replicas may go before the effect of the last one's going can be seen"


def _ports_named(service: Resource) -> set[str]:
    return {port["targetPort"] for port in service["spec"]["ports"]}


def services(manifests: Manifests) -> Iterator[str]:
    named = {port["name"] for port in manifests.container["ports"]}
    found = manifests.of_kind("Service")
    for each in found:
        name = each["metadata"]["name"]
        if not selects(each["spec"]["selector"], manifests.labels):
            yield f"Service {name} selects no pod"
        if not _ports_named(each) <= named:
            yield f"Service {name} names a port that the container has not"
    for each in found:
        if each["metadata"]["name"] == SERVICE and _ports_named(each) != {"http"}:
            yield "the Service of the callers is not the port of the callers alone"
    if SERVICE not in [each["metadata"]["name"] for each in found]:
        yield f"there is no Service named {SERVICE}"


def scraping(manifests: Manifests) -> Iterator[str]:
    for monitor in manifests.of_kind("ServiceMonitor"):
        spec = monitor["spec"]
        wanted = spec["selector"]["matchLabels"]
        scraped = [
            each
            for each in manifests.of_kind("Service")
            if selects(wanted, each["metadata"]["labels"])
        ]
        if len(scraped) != 1:
            yield f"it selects {len(scraped)} Services"
        for service in scraped:
            ports = {port["name"] for port in service["spec"]["ports"]}
            if {endpoint["port"] for endpoint in spec["endpoints"]} != ports:
                yield "it scrapes other ports than the Service has"
            if service["metadata"]["labels"][spec["jobLabel"]] != JOB:
                yield f"the job is not {JOB}, of which the rules speak"
            if service["spec"].get("publishNotReadyAddresses") is not True:
                yield "a pod that is not ready is not scraped, and its alert never fires"


CLUSTER_POLICIES = (
    Policy("network", "callers reach one port, and the pods nobody", network),
    Policy("disruptions", "a node that is drained takes one replica", disruptions),
    Policy("spread", "a node or a zone that is lost takes a part", spread),
    Policy("update", "an update takes no more than one replica", update),
    Policy("replicas", "one replica's end must be no outage", replicas),
    Policy("scaling", "replicas follow the estimated seconds of the queue", scaling),
    Policy("services", "callers and Prometheus find the pods", services),
    Policy("scraping", "the rules need their series", scraping),
)
