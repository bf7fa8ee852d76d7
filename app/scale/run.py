"""``xcopa serve --ray``: deploys the service on a cluster, and takes it away when told to stop."""

from __future__ import annotations

import logging
import os
import queue
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import typer

from app.errors import StartError
from app.process import queue_signals
from app.scale.application import NAME, application, refuse_tls_of_callers
from app.scale.http_options import http_options, options_there, refuse_other_address
from app.scale.joining import ADDRESS, cluster_address, join, one_line
from app.scale.options import ScaleOptions
from app.scale.passed_on import passed_on
from app.settings import Settings

log = logging.getLogger(__name__)

POLL_S = 0.2
"""How often the command looks whether replicas are ready."""


def serve_on_ray(settings: Settings, options: ScaleOptions) -> int:
    """Deploy, wait for a signal, drain and take away; return the exit status of the process."""
    address = cluster_address(os.environ)
    try:
        refuse_tls_of_callers(settings)
        if address is not None:
            refuse_shown_password(settings)
        proxies = http_options(settings)
        ray = join(address)
        try:
            _serve(ray, settings, options, proxies, shared=address is not None)
        finally:
            ray.shutdown()
    except StartError as error:
        typer.echo(f"xcopa cannot start: {error}", err=True)
        return 1
    return 0


def refuse_shown_password(settings: Settings) -> None:
    """Refuse a password that Serve would show to everybody on its cluster.

    Raises:
        StartError: there is one.
    """
    if settings.ssl_keyfile_password is not None:
        raise StartError(
            "XCOPA_SSL_KEYFILE_PASSWORD: everybody who reaches Ray's dashboard could read it; "
            "leave it out, with a key that is not encrypted and that the user of Ray alone can read"
        )


def _serve(
    ray: Any,
    settings: Settings,
    options: ScaleOptions,
    proxies: Mapping[str, Any],
    *,
    shared: bool,
) -> None:
    """Deploy, wait for a signal, and take away what was deployed, whatever happens.

    Raises:
        StartError: the service cannot be deployed, or a replica could not start.
    """
    # Ray has put a handler of its own in place: whoever is told to stop takes away what is
    # there, be it ready or not.
    signals = queue_signals()
    refuse_other_service(ray)
    there = options_there(ray)
    if there is not None:
        refuse_other_address(proxies, there)
    variables = _variables() if shared else {}
    made = application(settings, options, variables, one_node=not shared)
    try:
        _deploy(ray, made, proxies)
        if _wait_until_ready(ray, signals):
            scheme = "http" if settings.ssl_certfile is None else "https"
            where = "on Ray Serve, on each node with a replica" if shared else "on Ray Serve"
            typer.echo(f"xcopa is ready: {scheme}://{settings.host}:{settings.port} ({where})")
            signals.get()
        log.info("told to stop: draining")
    finally:
        _take_away(ray, with_serve=shared and there is None)


def refuse_other_service(ray: Any) -> None:
    """Refuse to replace a service that somebody else has deployed.

    It would end with this command, and a deployment that fails would leave both broken. What has
    failed and serves nobody may be replaced.

    Raises:
        StartError: there is one.
    """
    there = ray.serve.status().applications.get(NAME)
    if there is None:
        return
    running = any(each.replica_states.get("RUNNING") for each in there.deployments.values())
    if there.status != "DEPLOY_FAILED" or running:
        raise StartError(
            f"{ADDRESS}: an application named {NAME} is on this cluster already, and stays as it "
            'is: `serve deploy` changes it, and `python -c "from ray import serve; '
            f"serve.delete('{NAME}')\"` ends it"
        )


def _variables() -> Mapping[str, str]:
    """Return what replicas on a shared cluster get, and name what they do not."""
    found = passed_on(os.environ)
    if found.kept_back:
        log.warning(
            "%s: not passed on to the replicas, since everybody who reaches Ray's dashboard could "
            "read it there; where replicas need it, set it on every node before `ray start`",
            ", ".join(found.kept_back),
        )
    return found.values


def _deploy(ray: Any, made: Any, proxies: Mapping[str, Any]) -> None:
    """Start the proxies and the application; return before its replicas are ready.

    Raises:
        StartError: Serve takes neither, such as where the port or the prefix is taken.
    """
    serve = ray.serve
    try:
        serve.start(proxy_location="EveryNode", http_options=dict(proxies))
        wanted = serve.RunTarget(made, name=NAME, route_prefix="/")
        serve.run_many([wanted], wait_for_applications_running=False)
    except ray.exceptions.RayTaskError as error:
        raise StartError(f"Ray Serve: {one_line(error.cause)}") from error
    except (
        ray.exceptions.RayError,
        serve.exceptions.RayServeException,
        OSError,
        RuntimeError,
        ValueError,
    ) as error:
        raise StartError(f"Ray Serve: {one_line(error)}") from error


def _take_away(ray: Any, *, with_serve: bool) -> None:
    """Delete the application once it has drained, and Serve if nobody else uses it."""
    while NAME in ray.serve.status().applications:
        with suppress(TimeoutError):  # of 60 s; replicas may drain for longer
            ray.serve.delete(NAME)
    if with_serve and not ray.serve.status().applications:
        ray.serve.shutdown()


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


def _reason(status: Any) -> str | None:
    """Return the last line of why a replica did not start."""
    messages = [each.message for each in status.deployments.values() if each.message]
    lines = [line for line in "\n".join(messages).splitlines() if "Error: " in line]
    return lines[-1].partition("Error: ")[2] if lines else None
