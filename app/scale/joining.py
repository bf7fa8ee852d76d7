"""The cluster that ``xcopa serve --ray`` uses: one that runs, or one of this machine alone."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from app import environment
from app.errors import StartError
from app.scale.proxy import NODE_VARIABLES
from app.scale.ray_package import ray_library

log = logging.getLogger(__name__)

_TRACEBACK = "Traceback (most recent call last):"

ADDRESS = "RAY_ADDRESS"
"""Ray's own variable: the cluster to use. Without it a cluster of this machine alone is started."""


def cluster_address(environ: Mapping[str, str]) -> str | None:
    """Return the address of the cluster that runs; None where one is to be started.

    An empty variable counts as not set, and ``local`` is Ray's word for the same.
    """
    address = environment.clean(environ.get(ADDRESS, ""))
    return None if address in ("", "local") else address


def join(address: str | None) -> Any:
    """Connect to a cluster, or start one; return the module ``ray``.

    Raises:
        StartError: Ray is not installed, the cluster cannot be joined or cannot run this program,
            or none can be started here.
    """
    if address is None:
        return _start()
    ray = ray_library()
    try:
        ray.init(address=address, log_to_driver=True, logging_level=logging.WARNING)
    except _failures(ray) as error:
        raise StartError(
            f"{ADDRESS}: the cluster at {address} cannot be joined: {one_line(error)}"
        ) from error
    _check_node(ray)
    return ray


def one_line(error: Exception) -> str:
    """Return the message of an error of Ray's as one line; it may have a traceback in it."""
    lines = str(error).strip().splitlines()
    told = lines[-1:] if any(line.endswith(_TRACEBACK) for line in lines) else lines
    return " ".join(" ".join(told).split())


def _start() -> Any:
    # What Ray starts now has these.
    for name, value in {**NODE_VARIABLES, "RAY_USAGE_STATS_ENABLED": "0"}.items():
        os.environ.setdefault(name, value)
    ray = ray_library()
    try:
        ray.init(
            address="local",
            log_to_driver=True,
            logging_level=logging.WARNING,
            include_dashboard=False,
        )
    except _failures(ray) as error:
        raise StartError(f"Ray cannot be started on this machine: {one_line(error)}") from error
    return ray


def _failures(ray: Any) -> tuple[type[Exception], ...]:
    return (ray.exceptions.RayError, OSError, RuntimeError, ValueError)


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
