"""The parts of rendered resources, and what is said where one is missing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from scripts.manifests.manifests import Manifests, quantity, selects
from scripts.manifests.policy import Policy
from scripts.manifests.render import ManifestError


def deployment(container: dict[str, Any], **pod: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "xcopa", **container}], **pod}
    return {
        "kind": "Deployment",
        "metadata": {"name": "xcopa"},
        "spec": {"template": {"metadata": {"labels": {"a": "b"}}, "spec": spec}},
    }


@pytest.mark.parametrize(
    ("written", "value"),
    [("2", 2), (2, 2), ("500m", Decimal("0.5")), ("1.5", Decimal("1.5")), ("2Gi", 2**31)],
)
def test_a_quantity_is_a_number(written: str | int, value: Decimal) -> None:
    assert quantity(written) == value


@pytest.mark.parametrize("written", ["two", "2G", ""])
def test_what_is_no_quantity_is_named(written: str) -> None:
    with pytest.raises(ManifestError, match=f"'{written}' is no quantity"):
        quantity(written)


def test_a_selector_that_wants_nothing_selects_nothing() -> None:
    assert not selects({}, {"a": "b"})
    assert selects({"a": "b"}, {"a": "b", "c": "d"})
    assert not selects({"a": "b", "c": "d"}, {"a": "b"})


def test_variables_of_the_container_come_after_those_of_its_maps() -> None:
    settings = {
        "kind": "ConfigMap",
        "metadata": {"name": "settings"},
        "data": {"XCOPA_DRAIN_DELAY_S": "5", "XCOPA_PORT": "8000"},
    }
    container = {
        "envFrom": [{"configMapRef": {"name": "settings"}}],
        "env": [{"name": "XCOPA_DRAIN_DELAY_S", "value": "7"}],
    }
    found = Manifests([settings, deployment(container)])
    assert found.environment == {"XCOPA_DRAIN_DELAY_S": "7", "XCOPA_PORT": "8000"}
    assert found.seconds("drain_delay_s") == 7
    assert found.seconds("drain_grace_s") == 30


def test_a_mount_leads_to_its_volume() -> None:
    container = {"volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]}  # noqa: S108
    found = Manifests([deployment(container, volumes=[{"name": "tmp", "emptyDir": {}}])])
    assert found.volume_at("/models") is None
    assert found.volume_at("/tmp") == (  # noqa: S108
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        {"name": "tmp", "emptyDir": {}},
    )


def test_an_overlay_without_the_deployment_is_told_so_by_every_policy() -> None:
    policy = Policy("links", "why", lambda manifests: iter([str(manifests.pod)]))
    [complaint] = policy.complaints(Manifests([]))
    assert complaint == "links: there is no Deployment named xcopa (why)"


def test_containers_before_the_service_are_containers_too() -> None:
    found = Manifests([deployment({}, initContainers=[{"name": "models"}])])
    assert [each["name"] for each in found.containers] == ["models", "xcopa"]
    assert found.container["name"] == "xcopa"
