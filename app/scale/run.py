"""``xcopa serve --ray``: deploys the service on a cluster, and takes it away when told to stop."""

from __future__ import annotations

import logging
import os
import queue
from collections.abc import Mapping
from typing import Any

import typer

from app import environment
from app.errors import StartError
from app.process import queue_signals
from app.scale.application import NAME, application, refuse_tls_of_callers
from app.scale.options import ScaleOptions
from app.scale.proxy import BACKSTOP_S, NODE_VARIABLES
from app.scale.ray_package import ray_library
from app.settings import Settings

log = logging.getLogger(__name__)

ADDRESS = "RAY_ADDRESS"
"""Ray's own variable: the cluster to use. Without it a cluster of this machine alone is started."""

POLL_S = 0.2
"""How often the command looks whether replicas are ready."""

_PASSED_ON = (environment.PREFIX, "HF_", "OTEL_")
"""Beginnings of the variables that replicas get from whoever deploys them."""


def serve_on_ray(settings: Settings, options: ScaleOptions) -> int:
    """Deploy, wait for a signal, drain and take away; return the exit status of the process."""
    address = os.environ.get(ADDRESS)
    try:
        refuse_tls_of_callers(settings)
        proxies = http_options(settings)
        ray = _join(address)
        # Ray has put a handler of its own in place: whoever is told to stop takes away what is
        # there, be it ready or not.
        signals = queue_signals()
        made = application(settings, options, passed_on(os.environ), one_node=address is None)
        _deploy(ray, made, proxies)
        if _wait_until_ready(ray, signals):
            scheme = "http" if settings.ssl_certfile is None else "https"
            typer.echo(f"xcopa is ready: {scheme}://{settings.host}:{settings.port} (on Ray Serve)")
            signals.get()
    except StartError as error:
        typer.echo(f"xcopa cannot start: {error}", err=True)
        return 1
    log.info("told to stop: draining")
    ray.serve.delete(NAME)
    ray.shutdown()
    return 0


def _join(address: str | None) -> Any:
    """Connect to a cluster, or start one.

    Raises:
        StartError: Ray is not installed, or there is no cluster.
    """
    if address is None:
        # What Ray starts now has these.
        for name, value in {**NODE_VARIABLES, "RAY_USAGE_STATS_ENABLED": "0"}.items():
            os.environ.setdefault(name, value)
    ray = ray_library()
    try:
        ray.init(
            address=address or "local",
            log_to_driver=True,
            logging_level=logging.WARNING,
            **({} if address else {"include_dashboard": False}),
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise StartError(f"{ADDRESS}: there is no cluster at {address}: {error}") from error
    if address is not None:
        _check_node(ray)
    return ray


def _check_node(ray: Any) -> None:
    """Warn where the proxies will not do what callers of this service are used to.

    Raises:
        StartError: a node cannot run this program.
    """
    try:
        there = ray.get(ray.remote(num_cpus=0)(_node_variables).remote())
    except ray.exceptions.RayError as error:
        message = str(error).strip().splitlines()[-1]
        raise StartError(
            f"{ADDRESS}: a node cannot run this program ({message}); install "
            "xcopa-service[ray] there, for the same Python"
        ) from error
    if missing := {name: value for name, value in NODE_VARIABLES.items() if name not in there}:
        log.warning(
            "callers will see pages of Serve's own, and calls will not be shared out evenly; set "
            "on every node before `ray start`: %s",
            " ".join(f"{name}={value}" for name, value in missing.items()),
        )


def _node_variables() -> dict[str, str]:
    return {name: os.environ[name] for name in NODE_VARIABLES if name in os.environ}


def _deploy(ray: Any, made: Any, proxies: Mapping[str, Any]) -> None:
    """Start the proxies and the application; return before its replicas are ready."""
    ray.serve.start(proxy_location="EveryNode", http_options=dict(proxies))
    wanted = ray.serve.RunTarget(made, name=NAME, route_prefix="/")
    ray.serve.run_many([wanted], wait_for_applications_running=False)


def _wait_until_ready(ray: Any, signals: queue.SimpleQueue[int]) -> bool:
    """Return True once all replicas are ready, or False on a signal.

    Raises:
        StartError: a replica could not start; the message is the replica's. Or the application
            is not there any more.
    """
    while True:
        status = ray.serve.status().applications.get(NAME)
        if status is None:
            raise StartError("somebody took the application away while its replicas started")
        if status.status == "RUNNING":
            return True
        if status.status == "DEPLOY_FAILED":
            raise StartError(_reason(status) or status.message)
        try:
            signals.get(timeout=POLL_S)
        except queue.Empty:
            continue
        return False


def passed_on(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that the replicas are to have as this process has them."""
    return {name: value for name, value in variables.items() if name.startswith(_PASSED_ON)}


def http_options(settings: Settings) -> dict[str, Any]:
    """Return what Serve's proxies are to know of the settings.

    Raises:
        StartError: the port is 0.
    """
    if settings.port == 0:
        raise StartError("XCOPA_PORT is 0: the proxies of all nodes need one port; name it")
    options: dict[str, Any] = {
        "host": settings.host.strip("[]"),
        "port": settings.port,
        "request_timeout_s": settings.request_timeout_ms / 1000 + BACKSTOP_S,
        "keep_alive_timeout_s": settings.keep_alive_s,
    }
    if settings.ssl_certfile is not None:
        options["ssl_certfile"] = str(settings.ssl_certfile)
        options["ssl_keyfile"] = str(settings.ssl_keyfile or settings.ssl_certfile)
    if settings.ssl_keyfile_password is not None:
        options["ssl_keyfile_password"] = settings.ssl_keyfile_password.get_secret_value()
    return options


def _reason(status: Any) -> str | None:
    """Return the last line of why a replica did not start."""
    messages = [each.message for each in status.deployments.values() if each.message]
    lines = [line for line in "\n".join(messages).splitlines() if "Error: " in line]
    return lines[-1].partition("Error: ")[2] if lines else None
