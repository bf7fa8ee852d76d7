"""The pods that a RayService describes: its head, and each group of its workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from app.errors import StartError
from app.scale.options import ScaleOptions
from scripts.manifests.manifests import Manifests
from scripts.manifests.render import ManifestError, Resource

RAY_SERVICE = "RayService"
HEAD = "head"


@dataclass(frozen=True)
class RayPods(Manifests):
    """One of them, for the policies that look at a pod."""

    group: Mapping[str, Any]
    """The head's or the workers' part of the cluster."""

    @property
    def labels(self) -> dict[str, str]:
        """Labels of the pods."""
        found: dict[str, str] = self.group["template"]["metadata"]["labels"]
        return found

    @property
    def pod(self) -> Resource:
        """The spec of the pods."""
        found: Resource = self.group["template"]["spec"]
        return found

    @property
    def container(self) -> Resource:
        """Ray's container, which is the first."""
        found: Resource = self.pod["containers"][0]
        return found

    @property
    def processors(self) -> int:
        """What Ray is told that a pod has."""
        return int(self.group["rayStartParams"]["num-cpus"])


@dataclass(frozen=True)
class RayService:
    """What an overlay with a RayService applies."""

    manifests: Manifests

    @property
    def spec(self) -> Resource:
        """The spec of the RayService.

        Raises:
            ManifestError: there is none, or more than one.
        """
        found = self.manifests.of_kind(RAY_SERVICE)
        if len(found) != 1:
            raise ManifestError(f"there are {len(found)} RayServices, not one")
        spec: Resource = found[0]["spec"]
        return spec

    @property
    def head(self) -> RayPods:
        return self._pods(self.spec["rayClusterConfig"]["headGroupSpec"])

    @property
    def workers(self) -> dict[str, RayPods]:
        """By the name of their group."""
        groups = self.spec["rayClusterConfig"]["workerGroupSpecs"]
        return {each["groupName"]: self._pods(each) for each in groups}

    @property
    def pods(self) -> dict[str, RayPods]:
        return {HEAD: self.head, **self.workers}

    @property
    def scale(self) -> ScaleOptions:
        """The arguments of the application.

        Raises:
            ManifestError: one is unknown or wrong.
        """
        [application] = yaml.safe_load(self.spec["serveConfigV2"])["applications"]
        try:
            return ScaleOptions.read(application.get("args", {}))
        except StartError as error:
            raise ManifestError(f"serveConfigV2: {error}") from error

    def _pods(self, group: Mapping[str, Any]) -> RayPods:
        return RayPods(self.manifests.resources, group)


def pod_templates(resource: Resource) -> list[Resource]:
    """Return the pods of a RayService as resources that Kubernetes itself knows."""
    pods = RayService(Manifests([resource])).pods
    return [
        {
            "apiVersion": "v1",
            "kind": "PodTemplate",
            "metadata": {"name": f"{resource['metadata']['name']}-{name}"},
            "template": each.group["template"],
        }
        for name, each in pods.items()
    ]
