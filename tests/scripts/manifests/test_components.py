"""The components for models of one's own, in an overlay as the how-to page shows it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.manifests.manifests import Manifests
from scripts.manifests.overlays import KUBERNETES
from scripts.manifests.policies import POLICIES
from scripts.manifests.render import render, renderer
from scripts.manifests.schemas import newest_releases, schema_complaints

pytestmark = pytest.mark.skipif(
    renderer() is None, reason="neither kustomize nor kubectl is installed"
)

OWN = """\
resources: [{kubernetes}/overlays/cpu]
components: [{kubernetes}/components/{component}]
images:
  - {{name: xcopa-models, newName: registry.example.org/xcopa-models, newTag: "3"}}
"""


@pytest.fixture(params=["models-from-claim", "models-from-image"])
def manifests(request: pytest.FixtureRequest, tmp_path: Path) -> Manifests:
    kubernetes = os.path.relpath(KUBERNETES, tmp_path)
    text = OWN.format(kubernetes=kubernetes, component=request.param)
    (tmp_path / "kustomization.yaml").write_text(text, encoding="utf-8")
    return Manifests(render(tmp_path))


def test_the_models_are_where_the_settings_say(manifests: Manifests) -> None:
    for variant in ("DIRECT", "STILTS"):
        folder, _, name = manifests.environment[f"XCOPA_MODELS__{variant}"].rpartition("/")
        assert name == variant.lower()
        found = manifests.volume_at(folder)
        assert found is not None
        assert found[0]["readOnly"] is True


def test_an_init_container_fills_the_same_volume(manifests: Manifests) -> None:
    found = manifests.volume_at("/models")
    assert found is not None
    for container in manifests.pod.get("initContainers", []):
        assert container["image"] == "registry.example.org/xcopa-models:3"
        [mount] = container["volumeMounts"]
        assert mount["name"] == found[1]["name"]
        assert mount["mountPath"] == container["command"][-1]


def test_they_keep_the_volumes_that_were_there(manifests: Manifests) -> None:
    assert manifests.volume_at("/tmp")  # noqa: S108
    assert manifests.volume_at("/etc/xcopa/keys")


def test_all_policies_and_schemas_hold(manifests: Manifests) -> None:
    wrong = [found for policy in POLICIES for found in policy.complaints(manifests)]
    wrong += schema_complaints(manifests.resources, newest_releases()[-1])
    assert wrong == []
