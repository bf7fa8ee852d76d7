"""The paths that an orchestrator, a load balancer and Prometheus ask, every few seconds.

They need no key, and leave neither lines in the log nor spans.
"""

from __future__ import annotations

from starlette.types import Scope

from app.settings import VARIANTS

PROBES = frozenset(
    {
        *("/livez", "/readyz", "/startupz", "/metrics"),
        *("/v2/health/live", "/v2/health/ready"),
        *(f"/v2/models/{name}/ready" for name in VARIANTS),
    }
)


def path_of(scope: Scope, prefix: str = "") -> str:
    """Return the path of a request without the service's prefix."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "") or prefix)


def is_probe(scope: Scope, prefix: str = "") -> bool:
    """Return whether a request is a probe or a scrape.

    Args:
        scope: that of the request.
        prefix: the service's, where ``TargetMiddleware`` has not been passed yet.
    """
    return path_of(scope, prefix) in PROBES
