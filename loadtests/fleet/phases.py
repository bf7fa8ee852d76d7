"""What happens to the fleet, one thing after the other, while the load goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from loadtests.fleet.fleet import ProxiedFleet
from loadtests.fleet.replica import FleetError, FleetReplica

SETTLE_S = 2.0
"""At the end of a phase: what it has delayed is answered before the next begins."""

STUCK_LIMIT_S = 60.0


@dataclass(frozen=True)
class FleetPhase:
    """A time in which something happened, and what was seen beside the calls."""

    name: str
    what: str
    began: float
    ended: float
    """Of ``time.monotonic``, with the seconds in which it settled."""
    least_ready: int
    """Replicas that Prometheus saw ready at once, at the worst moment."""
    held: int | None = None
    """Calls that a replica had when it was killed, or until its stuck engine was replaced."""


Happening = Callable[[ProxiedFleet, float], int | None]
"""Does something to a fleet and gives the callers seconds to notice; returns ``held``."""


def steady(_: ProxiedFleet, seconds: float) -> None:
    """Nothing happens: what all else is compared with."""
    time.sleep(seconds)


def killed(fleet: ProxiedFleet, seconds: float) -> int:
    """The first replica is killed with all its processes, and stays away."""
    victim = fleet.replicas[0]
    victim.server.pause()  # so that each call that it has now is one that it held when killed
    given, held = fleet.proxy.given(victim.name), fleet.proxy.held(victim.name)
    # A killed process keeps its connections until its memory is taken down: calls come meanwhile.
    victim.kill()
    held += fleet.proxy.given(victim.name) - given
    time.sleep(seconds)
    return held


def restarted(fleet: ProxiedFleet, _: float) -> None:
    """The first replica is started again, on the processors that the others compute with."""
    victim = fleet.replicas[0]
    victim.start()
    victim.wait_until_ready()
    fleet.proxy.wait_until_up(victim.name)


def drained(fleet: ProxiedFleet, seconds: float) -> None:
    """The second replica is taken out of the proxy, replaced, and put back."""
    leaving = fleet.replicas[1]
    fleet.proxy.set_state(leaving.name, "drain")
    _wait(lambda: fleet.proxy.held(leaving.name) == 0, f"{leaving.name} keeps its calls")
    leaving.replace()
    fleet.proxy.set_state(leaving.name, "ready")
    fleet.proxy.wait_until_up(leaving.name)
    time.sleep(seconds)


def stuck(fleet: ProxiedFleet, seconds: float) -> int:
    """The engine of the third replica stops where it is, until its service replaces it."""
    victim = fleet.replicas[2]
    stopped = victim.stop_engine()
    given, held = fleet.proxy.given(victim.name), fleet.proxy.held(victim.name)
    # Not by /readyz, which may say no for a moment only: an engine is replaced within milliseconds.
    _wait(lambda: _has_another(victim, stopped), f"{victim.name} does not replace its stuck engine")
    held += fleet.proxy.given(victim.name) - given
    fleet.proxy.wait_until_up(victim.name)
    time.sleep(seconds)
    return held


def rolling(fleet: ProxiedFleet, _: float) -> None:
    """All replicas are replaced in order: SIGTERM, a new process, and the next when it is ready."""
    for each in fleet.replicas:
        each.replace()
        fleet.proxy.wait_until_up(each.name)


HAPPENINGS: Mapping[str, Happening] = {
    "steady": steady,
    "killed": killed,
    "restarted": restarted,
    "drained": drained,
    "stuck": stuck,
    "rolling": rolling,
}


def run_phase(fleet: ProxiedFleet, name: str, seconds: float) -> FleetPhase:
    """Let one thing happen, and settle.

    Raises:
        FleetError: the fleet is not whole again afterwards.
    """
    began, since = time.monotonic(), time.time()
    held = HAPPENINGS[name](fleet, seconds)
    until = time.time()
    time.sleep(SETTLE_S)
    what = (HAPPENINGS[name].__doc__ or "").strip()
    least = fleet.watch.least_ready(since, until)
    return FleetPhase(name, what, began, time.monotonic(), least, held)


def _has_another(replica: FleetReplica, engine: int) -> bool:
    engines = replica.server.engines
    return bool(engines) and engine not in engines


def _wait(condition: Callable[[], bool], failure: str) -> None:
    give_up = time.monotonic() + STUCK_LIMIT_S
    while not condition():
        if time.monotonic() > give_up:
            raise FleetError(failure)
        time.sleep(0.02)
