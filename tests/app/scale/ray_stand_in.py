"""A stand-in for Ray and its Serve: what is deployed there, and what they were told."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any


class RayError(Exception):
    """As Ray's own."""


class RayTaskError(RayError):
    """An error of a task, whose cause is what the task met."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"a traceback\n{cause}")
        self.cause = cause


class RayServeException(Exception):  # noqa: N818 - Ray's name
    """As Serve's own."""


def application(status: str, *, running: int = 0, message: str = "") -> Any:
    """Return what Serve says of an application with one deployment."""
    states = {"RUNNING": running} if running else {}
    deployment = SimpleNamespace(replica_states=states, message=message)
    return SimpleNamespace(status=status, message="", deployments={"xcopa": deployment})


class StandInServe:
    """Serve on a cluster.

    Args:
        there: the options of the proxies that run, or None where Serve does not.
        becomes: what the application that is deployed is afterwards, or why it cannot be.
        applications: those that are there before.
    """

    exceptions = SimpleNamespace(RayServeException=RayServeException)
    RunTarget = staticmethod(lambda target, **options: SimpleNamespace(target=target, **options))

    def __init__(
        self,
        there: Mapping[str, Any] | None,
        becomes: Any,
        applications: Mapping[str, Any] | None = None,
    ) -> None:
        self.applications = dict(applications or {})
        self.calls: list[str] = []
        self.slow_to_drain = 0
        """How often ``delete`` gives up waiting."""
        self._becomes = becomes
        client = None if there is None else SimpleNamespace(http_config=there)
        self.context = SimpleNamespace(_get_global_client=lambda **_: client)

    def status(self) -> Any:
        return SimpleNamespace(applications=self.applications)

    def start(self, **options: Any) -> None:
        self.calls.append("start")

    def run_many(self, targets: list[Any], **options: Any) -> None:
        self.calls.append("run")
        if isinstance(self._becomes, Exception):
            raise self._becomes
        self.applications[targets[0].name] = self._becomes

    def delete(self, name: str) -> None:
        self.calls.append("delete")
        if self.slow_to_drain:
            self.slow_to_drain -= 1
            raise TimeoutError("weren't deleted after 60s")
        del self.applications[name]

    def shutdown(self) -> None:
        self.calls.append("shut down Serve")


class StandInRay:
    """The module ``ray``, connected to a cluster."""

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)

    def __init__(self, serve: StandInServe) -> None:
        self.serve = serve

    def shutdown(self) -> None:
        self.serve.calls.append("leave")
