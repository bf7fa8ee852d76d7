"""Kustomize renders; what it says of a mistake reaches whoever made it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scripts.manifests.overlays import KUBERNETES
from scripts.manifests.render import ManifestError, render, renderer

needs_kustomize = pytest.mark.skipif(
    renderer() is None, reason="neither kustomize nor kubectl is installed"
)


@needs_kustomize
def test_a_mistake_is_told_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [gone.yaml]\n", encoding="utf-8")
    with pytest.raises(ManifestError, match=rf"{tmp_path}: .*gone\.yaml"):
        render(tmp_path)


def test_without_kustomize_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(ManifestError, match="install one of them"):
        render(KUBERNETES / "base")


@needs_kustomize
def test_a_changed_setting_gives_the_pods_another_map(tmp_path: Path) -> None:
    """So that a Deployment replaces its pods when a setting changes."""
    names = []
    for setting in ("XCOPA_LOG_LEVEL=info", "XCOPA_LOG_LEVEL=debug"):
        copy = tmp_path / setting
        shutil.copytree(KUBERNETES / "base", copy)
        with (copy / "settings.env").open("a", encoding="utf-8") as file:
            file.write(f"{setting}\n")
        [deployment] = [each for each in render(copy) if each["kind"] == "Deployment"]
        [source] = deployment["spec"]["template"]["spec"]["containers"][0]["envFrom"]
        names.append(source["configMapRef"]["name"])
    assert names[0] != names[1]
