"""The rendered resources of one overlay, and the parts of them that policies look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter

from app.settings import Settings
from scripts.manifests.render import ManifestError, Resource

_BOOL = TypeAdapter(bool)

SERVICE = "xcopa"
"""The name of the Deployment, of its container, and of the Service that callers use."""

_UNITS = {
    "m": Decimal("0.001"),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
}


def quantity(text: str | int) -> Decimal:
    """Return a quantity of Kubernetes (``500m``, ``2``, ``2Gi``) as a number.

    Raises:
        ManifestError: it is none, or has a unit that is not used here.
    """
    written = str(text)
    for unit, factor in _UNITS.items():
        if written.endswith(unit):
            return _number(written.removesuffix(unit)) * factor
    return _number(written)


def _number(written: str) -> Decimal:
    try:
        return Decimal(written)
    except ArithmeticError as error:
        raise ManifestError(f"{written!r} is no quantity, such as 500m, 2 or 2Gi") from error


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether the labels that a selector wants, at least one, are all there."""
    return bool(selector) and selector.items() <= labels.items()


@dataclass(frozen=True)
class Manifests:
    """What an overlay applies."""

    resources: Sequence[Resource]

    def of_kind(self, kind: str) -> list[Resource]:
        return [each for each in self.resources if each["kind"] == kind]

    @cached_property
    def deployment(self) -> Resource:
        """The Deployment of the service.

        Raises:
            ManifestError: there is none.
        """
        for each in self.of_kind("Deployment"):
            if each["metadata"]["name"] == SERVICE:
                return each
        raise ManifestError(f"there is no Deployment named {SERVICE}")

    @property
    def labels(self) -> dict[str, str]:
        """Labels of the pods."""
        found: dict[str, str] = self.deployment["spec"]["template"]["metadata"]["labels"]
        return found

    @property
    def pod(self) -> Resource:
        """The spec of the pods."""
        found: Resource = self.deployment["spec"]["template"]["spec"]
        return found

    @property
    def container(self) -> Resource:
        """The container of the service.

        Raises:
            ManifestError: the pod has none of that name.
        """
        for each in self.pod["containers"]:
            if each["name"] == SERVICE:
                found: Resource = each
                return found
        raise ManifestError(f"the pod has no container named {SERVICE}")

    @property
    def containers(self) -> list[Resource]:
        """All containers of a pod, those before the service too."""
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the container: of its maps, and then its own."""
        maps = {each["metadata"]["name"]: each["data"] for each in self.of_kind("ConfigMap")}
        variables: dict[str, str] = {}
        for source in self.container.get("envFrom", []):
            variables |= maps[source["configMapRef"]["name"]]
        return variables | {each["name"]: each["value"] for each in self.container.get("env", [])}

    def seconds(self, setting: str) -> float:
        """Return a setting of the service in seconds: that of the overlay, else its default."""
        default = Settings.model_fields[setting].default
        return float(self.environment.get(f"XCOPA_{setting.upper()}", default))

    def is_on(self, setting: str) -> bool:
        """Whether a setting of the service is true: that of the overlay, else its default."""
        default = Settings.model_fields[setting].default
        return _BOOL.validate_python(self.environment.get(f"XCOPA_{setting.upper()}", default))

    def volume_at(self, path: str) -> tuple[Resource, Resource] | None:
        """Return the mount of the container at a path, and its volume."""
        volumes = {each["name"]: each for each in self.pod.get("volumes", [])}
        for mount in self.container.get("volumeMounts", []):
            if mount["mountPath"] == path:
                return mount, volumes[mount["name"]]
        return None
