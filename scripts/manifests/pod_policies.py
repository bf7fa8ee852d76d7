"""What a pod must say: its life from start to drain, and what it may do and use."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from app.longest_end import longest_end
from scripts.manifests.manifests import Manifests, quantity
from scripts.manifests.policy import Policy
from scripts.manifests.render import Resource

LEAST_PATIENCE_S = 120
"""For the models to load and the processor to be measured, on a slow node."""

LEAST_LIVENESS_S = 30
"""A process that is only busy must not be ended."""

LEAST_PRE_STOP_S = 3
"""Until every node has heard that a pod leaves."""

TMP = "/tmp"  # noqa: S108 - the one folder that the image writes to


def _asks(probe: Resource, path: str) -> Iterator[str]:
    if probe["httpGet"]["path"] != path:
        yield f"it asks {probe['httpGet']['path']}, not {path}"
    if probe["httpGet"]["port"] != "metrics":
        yield "it does not ask the port of the probes, which needs neither key nor certificate"


def _patience(probe: Resource) -> int:
    seconds: int = probe["periodSeconds"] * probe["failureThreshold"]
    return seconds


def startup_probe(manifests: Manifests) -> Iterator[str]:
    probe = manifests.container["startupProbe"]
    yield from _asks(probe, "/startupz")
    if _patience(probe) < LEAST_PATIENCE_S:
        yield f"it gives up after {_patience(probe)} s; the models need up to {LEAST_PATIENCE_S} s"


def liveness_probe(manifests: Manifests) -> Iterator[str]:
    probe = manifests.container["livenessProbe"]
    yield from _asks(probe, "/livez")
    if _patience(probe) < LEAST_LIVENESS_S:
        yield f"it ends the process after {_patience(probe)} s, less than {LEAST_LIVENESS_S} s"


def readiness_probe(manifests: Manifests) -> Iterator[str]:
    probe = manifests.container["readinessProbe"]
    yield from _asks(probe, "/readyz")
    notices, delay = _patience(probe), manifests.seconds("drain_delay_s")
    if notices > delay:
        yield f"it notices within {notices} s, after the drain delay of {delay:g} s is over"


def _pre_stop_seconds(manifests: Manifests) -> int:
    seconds: int = manifests.container["lifecycle"]["preStop"]["sleep"]["seconds"]
    return seconds


def pre_stop(manifests: Manifests) -> Iterator[str]:
    if (seconds := _pre_stop_seconds(manifests)) < LEAST_PRE_STOP_S:
        yield f"preStop sleeps {seconds} s, less than {LEAST_PRE_STOP_S} s"


def grace(manifests: Manifests) -> Iterator[str]:
    given = manifests.pod["terminationGracePeriodSeconds"]
    needed = _pre_stop_seconds(manifests) + longest_end(
        manifests.seconds("drain_delay_s"),
        manifests.seconds("drain_grace_s"),
        generations=2 if manifests.is_on("model_control") else 1,
        servers=2 if "XCOPA_METRICS_PORT" in manifests.environment else 1,
    )
    if given <= needed:
        yield f"terminationGracePeriodSeconds is {given}; it must be above {needed:g}"


def service_links(manifests: Manifests) -> Iterator[str]:
    if manifests.pod.get("enableServiceLinks") is not False:
        yield "enableServiceLinks is not false"


def token_of_pod(manifests: Manifests) -> Iterator[str]:
    if manifests.pod.get("automountServiceAccountToken") is not False:
        yield "the pod does not say automountServiceAccountToken: false"


def token(manifests: Manifests) -> Iterator[str]:
    yield from token_of_pod(manifests)
    name = manifests.pod["serviceAccountName"]
    accounts = [
        each for each in manifests.of_kind("ServiceAccount") if each["metadata"]["name"] == name
    ]
    if not accounts:
        yield f"there is no ServiceAccount named {name}"
    for account in accounts:
        if account.get("automountServiceAccountToken") is not False:
            yield f"ServiceAccount {name} does not say automountServiceAccountToken: false"


def resources(manifests: Manifests) -> Iterator[str]:
    for container in manifests.containers:
        said = container["resources"]
        for kind in ("cpu", "memory"):
            asked, most = quantity(said["requests"][kind]), quantity(said["limits"][kind])
            if asked != most:
                yield f"{container['name']} asks for {asked} of {kind} and may use {most}"


def whole_cores(manifests: Manifests) -> Iterator[str]:
    cores = quantity(manifests.container["resources"]["limits"]["cpu"])
    if cores != cores.to_integral_value() or cores < Decimal(1):
        yield f"the limit is {cores} cores, of which the service uses the whole ones alone"
    if "XCOPA_THREADS" in manifests.environment:
        yield "XCOPA_THREADS is set: the threads no longer follow the limit"


def read_only_root(manifests: Manifests) -> Iterator[str]:
    for container in manifests.containers:
        if container["securityContext"].get("readOnlyRootFilesystem") is not True:
            yield f"{container['name']} can write to its root"


def writable_tmp(manifests: Manifests) -> Iterator[str]:
    found = manifests.volume_at(TMP)
    if found is None:
        yield f"nothing is mounted at {TMP}"
    elif "emptyDir" not in found[1] or "sizeLimit" not in found[1]["emptyDir"]:
        yield f"what is mounted at {TMP} is no emptyDir with a sizeLimit"


def user(manifests: Manifests) -> Iterator[str]:
    context = manifests.pod["securityContext"]
    if context.get("runAsNonRoot") is not True or context.get("runAsUser", 0) == 0:
        yield "it may run as root"


def seccomp(manifests: Manifests) -> Iterator[str]:
    if manifests.pod["securityContext"]["seccompProfile"]["type"] != "RuntimeDefault":
        yield "the seccomp profile is not the runtime's"


def rights(manifests: Manifests) -> Iterator[str]:
    for container in manifests.containers:
        context = container["securityContext"]
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"{container['name']} may gain rights"
        if context["capabilities"]["drop"] != ["ALL"]:
            yield f"{container['name']} keeps capabilities"


def pinned_image(manifests: Manifests) -> Iterator[str]:
    for container in manifests.containers:
        _, colon, tag = container["image"].rpartition("/")[2].partition(":")
        if not colon or tag == "latest":
            yield f"{container['image']} names no release"


def api_keys(manifests: Manifests) -> Iterator[str]:
    file = manifests.environment["XCOPA_API_KEYS_FILE"]
    folder, _, name = file.rpartition("/")
    found = manifests.volume_at(folder)
    if found is None or "secret" not in found[1]:
        yield f"{folder} is no mounted Secret"
        return
    mount, volume = found
    secret = volume["secret"]
    if secret.get("optional"):
        yield "the Secret may be missing"
    if "subPath" in mount:
        yield "it is mounted with subPath, which Kubernetes never updates"
    if name not in [item["path"] for item in secret["items"]]:
        yield f"the Secret has no file {name}"
    if secret["defaultMode"] & 0o007:
        yield "everybody in the container can read the Secret"


POD_POLICIES = (
    Policy("startup-probe", "slow loading is no failure", startup_probe),
    Policy("liveness-probe", "only a dead process is restarted", liveness_probe),
    Policy("readiness-probe", "callers come only to what admits them", readiness_probe),
    Policy("pre-stop", "nodes send until they have heard of the end", pre_stop),
    Policy("grace", "kubelet kills what has not drained by then", grace),
    Policy("service-links", "a Service named xcopa sets XCOPA_PORT", service_links),
    Policy("token", "the service never asks the API server", token),
    Policy("resources", "a replica's speed must not depend on its neighbours", resources),
    Policy("whole-cores", "the threads follow the limit", whole_cores),
    Policy("read-only-root", "nothing that runs can be changed", read_only_root),
    Policy("writable-tmp", "libraries need it, and a node's disk has a limit", writable_tmp),
    Policy("user", "root in a container is root on the node", user),
    Policy("seccomp", "most system calls are needed by nobody here", seccomp),
    Policy("rights", "it needs none", rights),
    Policy("pinned-image", "two pods of one revision must be the same", pinned_image),
    Policy("api-keys", "a Secret that is missing must not open the service", api_keys),
)
