"""Every overlay is valid by the schemas of the newest releases of Kubernetes."""

from __future__ import annotations

import copy

import pytest

from scripts.manifests.overlays import SERVICE_OVERLAYS
from scripts.manifests.schemas import CUSTOM, newest_releases, schema_complaints
from tests.scripts.manifests.conftest import Rendered

RELEASES = newest_releases()


def test_the_newest_releases_are_three_different_ones_in_order() -> None:
    minors = [int(release.split(".")[1]) for release in RELEASES]
    assert len(minors) == 3
    assert minors == sorted(set(minors))


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", SERVICE_OVERLAYS)
def test_an_overlay_is_valid(overlay: Rendered, name: str, release: str) -> None:
    assert list(schema_complaints(overlay(name).resources, release)) == []


@pytest.mark.parametrize("release", RELEASES)
def test_what_is_wrong_is_named(overlay: Rendered, release: str) -> None:
    resources = copy.deepcopy(list(overlay("cpu").resources))
    [deployment] = [each for each in resources if each["kind"] == "Deployment"]
    deployment["spec"]["template"]["spec"]["enableServiceLink"] = False
    [complaint] = schema_complaints(resources, release)
    assert "Deployment xcopa" in complaint
    assert "enableServiceLink" in complaint


def test_a_kind_that_does_not_exist_is_wrong() -> None:
    resource = {"apiVersion": "v1", "kind": "Deploiment", "metadata": {"name": "xcopa"}}
    [complaint] = schema_complaints([resource], RELEASES[-1])
    assert "Deploiment xcopa" in complaint


def test_only_kinds_of_operators_go_unchecked(overlay: Rendered) -> None:
    groups = {each["kind"]: each["apiVersion"].split("/")[0] for each in overlay("keda").resources}
    assert {kind for kind, group in groups.items() if group.endswith((".sh", ".com"))} == CUSTOM
