"""The overlays, rendered once: Kustomize takes a second for each."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from scripts.manifests.manifests import Manifests
from scripts.manifests.overlays import KUBERNETES, RAY
from scripts.manifests.render import render, renderer

Rendered = Callable[[str], Manifests]


@cache
def _overlay(name: str) -> Manifests:
    return Manifests(render(KUBERNETES / "overlays" / name))


@pytest.fixture(scope="session")
def overlay() -> Rendered:
    """Renders an overlay by its name."""
    if renderer() is None:
        pytest.skip("neither kustomize nor kubectl is installed")
    return _overlay


@cache
def _ray() -> Manifests:
    return Manifests(render(RAY))


@pytest.fixture(scope="session")
def ray_service() -> Manifests:
    """What deploy/ray applies."""
    if renderer() is None:
        pytest.skip("neither kustomize nor kubectl is installed")
    return _ray()
