"""A user's own overlay is checked, and what is wrong with it is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.longest_end import longest_end
from scripts.manifests.__main__ import complaints
from scripts.manifests.overlays import KUBERNETES
from scripts.manifests.render import renderer

pytestmark = pytest.mark.skipif(
    renderer() is None, reason="neither kustomize nor kubectl is installed"
)

PATCH = """\
resources: [{cpu}]
patches:
  - target: {{kind: Deployment, name: xcopa}}
    patch: |-
      - op: {op}
        path: /spec/template/spec/{field}
        value: {value}
"""


def overlay(folder: Path, op: str, field: str, value: object) -> Path:
    cpu = os.path.relpath(KUBERNETES / "overlays/cpu", folder)
    text = PATCH.format(cpu=cpu, op=op, field=field, value=value)
    (folder / "kustomization.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_grace_that_is_too_short_is_said(tmp_path: Path) -> None:
    own = overlay(tmp_path, "replace", "terminationGracePeriodSeconds", 30)
    [complaint] = complaints(own)
    needed = 5 + longest_end(5, 30, servers=2)
    assert f"grace: terminationGracePeriodSeconds is 30; it must be above {needed:g}" in complaint


def test_a_field_that_does_not_exist_is_said_for_each_release(tmp_path: Path) -> None:
    found = list(complaints(overlay(tmp_path, "add", "enableServiceLink", "false")))
    assert len(found) == 3
    assert all("enableServiceLink" in each for each in found)


def test_what_cannot_be_rendered_is_said(tmp_path: Path) -> None:
    [complaint] = complaints(tmp_path)
    assert str(tmp_path) in complaint
