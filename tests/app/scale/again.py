"""Deploys the service again where it runs, as a changed Serve config does.

    RAY_ADDRESS=127.0.0.1:6379 python -m tests.app.scale.again

Says what its replicas do, and ends when all of them are new.
"""

from __future__ import annotations

import os
import sys
import time

from app.scale.application import NAME, application
from app.scale.joining import cluster_address, join
from app.scale.options import ScaleOptions
from app.scale.passed_on import passed_on
from app.scale.run import POLL_S
from app.settings import Settings


def main() -> None:
    """Deploy, and report until the update is complete."""
    ray = join(cluster_address(os.environ))
    made = application(Settings(), ScaleOptions(), passed_on(os.environ).values)
    wanted = ray.serve.RunTarget(made, name=NAME, route_prefix="/")
    ray.serve.run_many([wanted], wait_for_applications_running=False)
    said = ""
    while True:
        there = ray.serve.status().applications[NAME]
        states = there.deployments[NAME].replica_states
        counts = ", ".join(f"{state} {count}" for state, count in sorted(states.items()))
        if said != (said := f"{there.status.value}: {counts}"):
            sys.stdout.write(f"{said}\n")
            sys.stdout.flush()
        if there.status == "RUNNING":
            break
        time.sleep(POLL_S)
    sys.stdout.write("all are new\n")


if __name__ == "__main__":
    main()
