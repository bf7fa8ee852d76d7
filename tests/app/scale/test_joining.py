"""The cluster that the command uses, and what is said where there is none."""

from __future__ import annotations

import os
from typing import Any

import pytest

from app.errors import StartError
from app.scale import joining
from app.scale.joining import cluster_address, join, one_line
from app.scale.proxy import NODE_VARIABLES
from tests.app.scale.ray_stand_in import RayError, StandInRay, StandInServe


class Unreachable(StandInRay):
    """Ray where nothing can be joined or started."""

    def __init__(self, error: Exception) -> None:
        super().__init__(StandInServe(None, None))
        self._error = error
        self.asked: dict[str, Any] = {}

    def init(self, **options: Any) -> None:
        self.asked = options
        raise self._error


@pytest.fixture(autouse=True)
def _no_variables_of_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*NODE_VARIABLES, "RAY_USAGE_STATS_ENABLED"):
        monkeypatch.setenv(name, "as before")


def unreachable(monkeypatch: pytest.MonkeyPatch, error: Exception) -> Unreachable:
    ray = Unreachable(error)
    monkeypatch.setattr(joining, "ray_library", lambda: ray)
    return ray


@pytest.mark.parametrize(
    ("value", "address"),
    [("", None), (" \n", None), ("''", None), ("local", None), (" auto ", "auto"), ("a:1", "a:1")],
)
def test_an_empty_address_counts_as_not_set(value: str, address: str | None) -> None:
    assert cluster_address({"RAY_ADDRESS": value}) == address
    assert cluster_address({}) is None


@pytest.mark.parametrize("error", [RayError, ConnectionError, RuntimeError, ValueError, OSError])
def test_a_cluster_that_cannot_be_joined_is_named(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    ray = unreachable(monkeypatch, error("not\nfound"))
    with pytest.raises(StartError) as failed:
        join("a:1")
    assert str(failed.value) == "RAY_ADDRESS: the cluster at a:1 cannot be joined: not found"
    assert ray.asked["address"] == "a:1"


@pytest.mark.parametrize("error", [RayError, ConnectionError, RuntimeError, ValueError, OSError])
def test_a_cluster_that_cannot_be_started_here_is_not_called_one_that_cannot_be_joined(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    ray = unreachable(monkeypatch, error("no memory\nfor it"))
    with pytest.raises(StartError) as failed:
        join(None)
    assert str(failed.value) == "Ray cannot be started on this machine: no memory for it"
    assert ray.asked["address"] == "local"
    assert ray.asked["include_dashboard"] is False


def test_what_is_started_here_has_the_variables_of_a_node(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NODE_VARIABLES:
        monkeypatch.delenv(name)
    unreachable(monkeypatch, RuntimeError())
    with pytest.raises(StartError):
        join(None)
    assert {name: os.environ[name] for name in NODE_VARIABLES} == NODE_VARIABLES


def test_a_traceback_in_a_message_of_rays_is_left_out() -> None:
    """Ray puts into its messages what its own client met."""
    met = "it: Traceback (most recent call last):\n  File x\nray.exceptions.RpcError: no token\n"
    assert one_line(RuntimeError(met)) == "ray.exceptions.RpcError: no token"
    assert one_line(RuntimeError("two\n  lines")) == "two lines"
