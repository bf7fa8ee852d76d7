"""The paths that an orchestrator, a load balancer and Prometheus ask, every few seconds.

They need no key, and leave neither lines in the log nor spans.
"""

from __future__ import annotations

import re

from starlette.types import Scope

from app.api.named_models import names_of

PROBES = frozenset(
    {
        *("/livez", "/readyz", "/startupz", "/metrics"),
        *("/v2/health/live", "/v2/health/ready"),
    }
)

MODEL_READY = "/v2/models/{name}/ready"
"""The pattern of those that are about one model; other names than those of models are no probes."""

_model_ready = re.compile(MODEL_READY.replace("{name}", "([^/]+)")).fullmatch


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
    path = path_of(scope, prefix)
    if path in PROBES:
        return True
    of_model = _model_ready(path)
    return of_model is not None and of_model.group(1) in names_of(scope)
