"""The overlays of this repository."""

from __future__ import annotations

from pathlib import Path

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
RAY = DEPLOY / "ray"
"""That of a RayService."""

SERVICE_OVERLAYS = ("cpu", "gpu", "prometheus-operator", "keda")
"""Those that hold the Deployment of the service."""

OVERLAYS = [*(KUBERNETES / "overlays" / name for name in SERVICE_OVERLAYS), RAY]
