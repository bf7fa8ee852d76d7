"""What kubelet reads of a rendered Deployment, and of the image that it runs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from scripts.manifests.manifests import Manifests, quantity
from scripts.manifests.render import Resource
from tests.conftest import ROOT

_DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")

SERVICE_IP = "10.96.0.12"


@dataclass(frozen=True)
class Probe:
    """A question that kubelet asks over HTTP."""

    path: str
    port: int
    period_s: float
    timeout_s: float
    failures: int

    @classmethod
    def of(cls, container: Resource, name: str) -> Probe:
        said = container[name]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        return cls(
            path=said["httpGet"]["path"],
            port=ports[said["httpGet"]["port"]],
            period_s=said["periodSeconds"],
            timeout_s=said["timeoutSeconds"],
            failures=said["failureThreshold"],
        )


@dataclass(frozen=True)
class PodSpec:
    """What a pod is to be."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    startup: Probe
    liveness: Probe
    readiness: Probe
    pre_stop_s: float
    grace_s: float
    """From the beginning of preStop to SIGKILL."""
    cores: float
    http_port: int
    mounts: Mapping[str, str]
    """The name of each volume, by where it is mounted."""

    @classmethod
    def of(cls, manifests: Manifests) -> PodSpec:
        container, pod = manifests.container, manifests.pod
        [http] = [each["containerPort"] for each in container["ports"] if each["name"] == "http"]
        return cls(
            command=image_command(),
            environment={**service_links(manifests), **manifests.environment},
            startup=Probe.of(container, "startupProbe"),
            liveness=Probe.of(container, "livenessProbe"),
            readiness=Probe.of(container, "readinessProbe"),
            pre_stop_s=container["lifecycle"]["preStop"]["sleep"]["seconds"],
            grace_s=pod["terminationGracePeriodSeconds"],
            cores=float(quantity(container["resources"]["limits"]["cpu"])),
            http_port=http,
            mounts={each["mountPath"]: each["name"] for each in container["volumeMounts"]},
        )


def image_command() -> tuple[str, ...]:
    """Return what the image runs when the manifest names no command: its last CMD."""
    said: list[str] = json.loads(re.findall(r"(?m)^CMD (\[.+\])$", _DOCKERFILE)[-1])
    return tuple(said)


def service_links(manifests: Manifests) -> dict[str, str]:
    """Return the variables that kubelet adds for each Service, unless the pod wants none.

    Source: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
    """
    if manifests.pod.get("enableServiceLinks") is False:
        return {}
    links: dict[str, str] = {}
    for service in manifests.of_kind("Service"):
        if service["spec"].get("clusterIP") == "None":
            continue
        name = service["metadata"]["name"].upper().replace("-", "_")
        port = service["spec"]["ports"][0]["port"]
        links |= {
            f"{name}_SERVICE_HOST": SERVICE_IP,
            f"{name}_SERVICE_PORT": str(port),
            f"{name}_PORT": f"tcp://{SERVICE_IP}:{port}",
            f"{name}_PORT_{port}_TCP": f"tcp://{SERVICE_IP}:{port}",
            f"{name}_PORT_{port}_TCP_PROTO": "tcp",
            f"{name}_PORT_{port}_TCP_PORT": str(port),
            f"{name}_PORT_{port}_TCP_ADDR": SERVICE_IP,
        }
    return links
