"""The application that Serve deploys: ``import_path: app.scale.application:build``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors import StartError
from app.scale.options import ScaleOptions
from app.scale.placement import Placement, placement, refuse_more_than_there_is
from app.scale.policy import QueuePolicy
from app.scale.ray_package import ray_library
from app.scale.replica import RayReplica, replica_settings
from app.settings import Settings

NAME = "xcopa"
"""Of the application and of its deployment."""

HEALTH_PERIOD_S = 2.0
"""After three failed checks, so within 6 s, Serve replaces a replica whose engines are stuck. Until
then the replica itself refuses calls with 503."""

HEALTH_TIMEOUT_S = 30.0
"""A replica that is slow because its node is busy must not be killed for it."""

SURGE_PERCENT = 1
"""Of the replicas, rounded up: an update adds one new replica before it ends an old one, up to a
hundred replicas. With Serve's own 0 it would end old ones first."""

DRAIN_STEP_S = 0.5
"""How often a replica that is to end looks whether it still has calls."""

END_S = 25.0
"""What a replica may take beyond the time in which it drains: ``app/longest_end.py`` has its
steps. Serve kills what takes longer, with what it still has to write."""

RETRY_AFTER_S = 1.0
"""What a caller is told who finds too many calls waiting for a replica."""


def build(args: Mapping[str, Any]) -> Any:
    """Return the Serve application.

    Args:
        args: those of the Serve config; see ``ScaleOptions``.

    Raises:
        StartError: an argument or a setting is wrong, or Ray is not installed.
    """
    return application(replica_settings(None), ScaleOptions.read(args))


def application(
    settings: Settings,
    options: ScaleOptions,
    variables: Mapping[str, str] | None = None,
    *,
    one_node: bool = False,
) -> Any:
    """Return the Serve application for settings that the replicas have too.

    Args:
        settings: read for what Serve itself has to know.
        options: how many replicas.
        variables: added to the environment of the replicas.
        one_node: the cluster has one node and gets no other, so all replicas share it.

    Raises:
        StartError: the settings do not fit Ray or the cluster, or Ray is not installed.
    """
    ray = ray_library()
    refuse_tls_of_callers(settings)
    refuse_model_control(settings)
    nodes = _nodes(ray)
    placed = placement(settings, options.cores, nodes, beside=options.most if one_node else 1)
    if one_node:
        refuse_more_than_there_is(placed, options.most, nodes[0])
    served = ray.serve.deployment(**deployment_options(settings, options, placed, variables or {}))(
        ray.serve.ingress()(RayReplica)
    )
    return served.bind(placed.threads)


def _nodes(ray: Any) -> list[Mapping[str, float]]:
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def deployment_options(
    settings: Settings, options: ScaleOptions, placed: Placement, variables: Mapping[str, str]
) -> dict[str, Any]:
    """Return the arguments of ``ray.serve.deployment``."""
    actor: dict[str, Any] = dict(placed.actor_options)
    if variables:
        actor["runtime_env"] = {"env_vars": dict(variables)}
    return {
        "name": NAME,
        "ray_actor_options": actor,
        "autoscaling_config": autoscaling(options),
        # The replica refuses what it has no time for, and says when to come again; Serve must
        # not hold back what the scheduler could batch.
        "max_ongoing_requests": settings.max_connections,
        "max_queued_requests": settings.max_connections,
        "backpressure_config": {"status_code": 429, "retry_after_s": RETRY_AFTER_S},
        "max_surge_percent": SURGE_PERCENT,
        # The replica logs each call itself, with its route, which Serve does not know.
        "logging_config": {"enable_access_log": False},
        "health_check_period_s": HEALTH_PERIOD_S,
        "health_check_timeout_s": HEALTH_TIMEOUT_S,
        "graceful_shutdown_wait_loop_s": DRAIN_STEP_S,
        "graceful_shutdown_timeout_s": settings.drain_grace_s + END_S,
    }


def autoscaling(options: ScaleOptions) -> dict[str, Any]:
    """Return the ``autoscaling_config`` of the deployment."""
    policy = f"{QueuePolicy.__module__}:{QueuePolicy.__qualname__}"
    return {
        "min_replicas": options.replicas,
        "max_replicas": options.most,
        "upscale_delay_s": options.upscale_delay_s,
        "downscale_delay_s": options.downscale_delay_s,
        "look_back_period_s": options.look_back_s,
        "policy": {
            "policy_function": policy,
            "policy_kwargs": {
                "target_busy": options.target_busy,
                "drain_queue_s": options.drain_queue_s,
            },
        },
    }


def refuse_tls_of_callers(settings: Settings) -> None:
    """Refuse a setting that would seem to keep callers out.

    Raises:
        StartError: callers are to present certificates.
    """
    if settings.ssl_ca_certs is not None:
        raise StartError(
            "XCOPA_SSL_CA_CERTS: the proxies of Ray Serve do not insist on certificates of "
            "callers; leave it out, and put a proxy in front that does"
        )


def refuse_model_control(settings: Settings) -> None:
    """Refuse a setting that would make replicas differ.

    Raises:
        StartError: models are to be changed at run time.
    """
    if settings.model_control:
        raise StartError(
            "XCOPA_MODEL_CONTROL: a change would reach one replica of Ray Serve and not the "
            "others; leave it out, and deploy again with other models"
        )
