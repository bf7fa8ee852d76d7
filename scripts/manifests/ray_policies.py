"""What a RayService and the resources around it must say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.scale.application import END_S
from scripts.manifests.cluster_policies import CLUSTER_POLICIES
from scripts.manifests.manifests import Manifests, quantity, selects
from scripts.manifests.pod_policies import POD_POLICIES, token_of_pod
from scripts.manifests.policy import Policy
from scripts.manifests.ray_pods import RayPods, RayService
from scripts.manifests.render import Resource

DRAIN = "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"
"""How long `ray start --block` waits, after SIGTERM, for Serve to move what runs on its node."""

LEAST_MOVE_S = 30
"""For a replica to load its models on another node, before that of the old node drains."""

LEAST_END_S = 10
"""For Ray to end its own processes, when the node has drained."""

OPERATOR = {"matchLabels": {"xcopa-ray-operator": "true"}}
FOR_CALLERS, FOR_THE_OPERATOR = "serve", "dashboard"
FOR_PROMETHEUS = frozenset({"metrics", "xcopa-metrics"})

_BY_NAME = {policy.name: policy for policy in (*POD_POLICIES, *CLUSTER_POLICIES)}
_OF_EVERY_POD = (
    "service-links",
    "resources",
    "read-only-root",
    "writable-tmp",
    "user",
    "seccomp",
    "rights",
    "pinned-image",
)
_OF_WORKERS = ("api-keys", "spread")


def _of_pods(name: str, *, head: bool) -> Policy:
    """Return a policy of pods for those of Ray; what is wrong begins with the name of the group."""
    policy = _BY_NAME[name]

    def check(manifests: Manifests) -> Iterator[str]:
        service = RayService(manifests)
        for group, pods in (service.pods if head else service.workers).items():
            yield from (f"{group}: {each}" for each in policy.check(pods))

    return Policy(policy.name, policy.why, check)


def token(manifests: Manifests) -> Iterator[str]:
    for group, pods in RayService(manifests).pods.items():
        yield from (f"{group}: {each}" for each in token_of_pod(pods))


def authentication(manifests: Manifests) -> Iterator[str]:
    if RayService(manifests).spec["rayClusterConfig"]["authOptions"]["mode"] != "token":
        yield "Ray asks nobody for a token"


def cores(manifests: Manifests) -> Iterator[str]:
    service = RayService(manifests)
    if service.head.processors != 0:
        yield "the head has processors, so replicas may come to it"
    for group, pods in service.workers.items():
        limit = quantity(pods.container["resources"]["limits"]["cpu"])
        if pods.processors != limit:
            yield f"{group}: Ray counts {pods.processors} processors, and the limit is {limit}"


def room(manifests: Manifests) -> Iterator[str]:
    service = RayService(manifests)
    places = sum(_places(pods, service.scale.cores) for pods in service.workers.values())
    needed = service.scale.most + 1
    if places < needed:
        yield (
            f"the workers have room for {places} replicas; {service.scale.most} and the new one of "
            f"an update need {needed}"
        )


def _places(pods: RayPods, wanted: float | None) -> int:
    """Return how many replicas a group of workers has room for."""
    each = wanted or float(pods.environment.get("XCOPA_THREADS", pods.processors))
    count: int = pods.group["minReplicas"]
    return count * int(pods.processors // each)


def size(manifests: Manifests) -> Iterator[str]:
    for group, pods in RayService(manifests).workers.items():
        least, most = pods.group["minReplicas"], pods.group["maxReplicas"]
        if not least == most == pods.group["replicas"]:
            yield f"{group}: {least} to {most} workers, but nothing here adds or removes any"


def drain(manifests: Manifests) -> Iterator[str]:
    for group, pods in RayService(manifests).pods.items():
        waits, given = int(pods.environment[DRAIN]), pods.pod["terminationGracePeriodSeconds"]
        needed = pods.seconds("drain_grace_s") + END_S + LEAST_MOVE_S
        if waits < needed:
            yield f"{group}: {DRAIN} is {waits}; it must be {needed:g} at least"
        if given < waits + LEAST_END_S:
            yield (
                f"{group}: terminationGracePeriodSeconds is {given}; it must be "
                f"{waits + LEAST_END_S} at least"
            )


def network(manifests: Manifests) -> Iterator[str]:
    pods = RayService(manifests).pods
    for group, each in pods.items():
        found = [
            policy["spec"]
            for policy in manifests.of_kind("NetworkPolicy")
            if selects(policy["spec"]["podSelector"].get("matchLabels", {}), each.labels)
        ]
        held = {way for spec in found for way in spec["policyTypes"]}
        yield from (f"{group}: nothing holds for {way}" for way in {"Ingress", "Egress"} - held)
        for spec in found:
            for rule in spec.get("ingress", []):
                yield from (f"{group}: {said}" for said in _let_in(rule, pods))
            if any(not rule.get("to") for rule in spec.get("egress", [])):
                yield f"{group}: a rule lets it call everybody"


def _let_in(rule: Resource, pods: Mapping[str, RayPods]) -> Iterator[str]:
    """Yield what is wrong with a rule: who is let in, and to which port."""
    peers: Sequence[Mapping[str, Any]] = rule.get("from", [])
    if not peers:
        yield "a rule lets in everybody"
    elif all(_is_a_node(peer, pods) for peer in peers):
        return
    ports = {each["port"] for each in rule.get("ports", [])}
    if not ports:
        yield "a rule lets in others than nodes to every port"
    for port in sorted(map(str, ports - FOR_PROMETHEUS - {FOR_CALLERS, FOR_THE_OPERATOR})):
        yield f"a rule lets in others than nodes to {port}"
    if FOR_THE_OPERATOR in ports and any(peer != {"namespaceSelector": OPERATOR} for peer in peers):
        yield "others than the operator reach the dashboard, where they can run what they like"
    if ports & FOR_PROMETHEUS and {"podSelector": {}} in peers:
        yield "callers reach the metrics"


def _is_a_node(peer: Mapping[str, Any], pods: Mapping[str, RayPods]) -> bool:
    wanted = peer.get("podSelector", {}).get("matchLabels", {})
    return peer.keys() == {"podSelector"} and all(
        selects(wanted, each.labels) for each in pods.values()
    )


def disruptions(manifests: Manifests) -> Iterator[str]:
    budgets = [each["spec"] for each in manifests.of_kind("PodDisruptionBudget")]
    for group, pods in RayService(manifests).workers.items():
        found = [each for each in budgets if selects(each["selector"]["matchLabels"], pods.labels)]
        if not found:
            yield f"{group}: no PodDisruptionBudget selects the pods"
        for each in found:
            # Kubernetes follows maxUnavailable only where it can ask the owner for its scale.
            if each["minAvailable"] != pods.group["minReplicas"] - 1:
                yield f"{group}: minAvailable is not one less than there are workers"
            if each["unhealthyPodEvictionPolicy"] != "AlwaysAllow":
                yield f"{group}: a pod that is not ready can keep its node from being drained"


RAY_POLICIES = (
    *(_of_pods(name, head=True) for name in _OF_EVERY_POD),
    *(_of_pods(name, head=False) for name in _OF_WORKERS),
    Policy("token", "nothing in the pods asks the API server", token),
    Policy("authentication", "whoever reaches Ray's own ports runs what he likes", authentication),
    Policy("cores", "Ray counts processors, and does not confine anybody to them", cores),
    Policy("room", "an update waits for ever for room that never comes", room),
    Policy("size", "replicas that find no worker wait for ever", size),
    Policy("drain", "what a node has accepted is answered before it ends", drain),
    Policy("network", "callers reach one port, and Ray's own are its nodes'", network),
    Policy("disruptions", "a node that is drained takes one replica", disruptions),
)
