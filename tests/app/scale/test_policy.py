"""How many replicas are asked for, by what replicas say of themselves."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.scale import policy
from app.scale.policy import BUSY, QUEUE_SECONDS, QueuePolicy

POLICY = QueuePolicy(target_busy=0.8, drain_queue_s=10.0)


@dataclass
class Cluster:
    """What the policy reads of Serve's context."""

    busy: tuple[float, ...] = ()
    waiting: tuple[float, ...] = ()
    running: int = 0
    target: int = 0
    state: Mapping[str, Any] = field(default_factory=dict)

    @property
    def current_num_replicas(self) -> int:
        return self.running or len(self.busy)

    @property
    def target_num_replicas(self) -> int:
        return self.target or self.current_num_replicas

    @property
    def aggregated_metrics(self) -> Mapping[str, Mapping[Any, float]]:
        waiting = self.waiting or tuple(0.0 for _ in self.busy)
        return {
            BUSY: {f"r{i}": value for i, value in enumerate(self.busy)},
            QUEUE_SECONDS: {f"r{i}": value for i, value in enumerate(waiting)},
        }


def wanted(seen: Cluster) -> int:
    return POLICY(seen)[0]


@pytest.mark.parametrize(
    ("busy", "replicas"),
    [((0.8,), 1), ((0.81,), 2), ((0.8, 0.8), 2), ((0.5, 0.5, 0.5), 2), ((1.0,) * 4, 5)],
)
def test_each_replica_is_to_be_busy_for_its_share_of_the_time(
    busy: tuple[float, ...], replicas: int
) -> None:
    assert wanted(Cluster(busy)) == replicas


def test_what_waits_is_worked_off_by_more_replicas() -> None:
    assert wanted(Cluster((1.0,), waiting=(10.0,))) == 3  # 1.25 for what comes, 1 for what waits
    assert wanted(Cluster((1.0, 1.0), waiting=(10.0, 10.0))) == 5


def test_an_empty_queue_alone_stops_no_replica() -> None:
    assert wanted(Cluster((0.75, 0.75, 0.75))) == 3


def test_idle_replicas_are_stopped_but_the_last_one() -> None:
    assert wanted(Cluster((0.0, 0.0, 0.0))) == 1


def test_the_number_stays_while_no_replica_has_said_anything() -> None:
    assert wanted(Cluster(running=1, target=3)) == 3


def test_while_some_start_no_more_are_asked_for() -> None:
    overloaded = Cluster((1.0,), waiting=(10.0,), running=1, target=2)
    assert wanted(overloaded) == 2


def test_while_some_start_fewer_may_be_asked_for() -> None:
    assert wanted(Cluster((0.1,), running=1, target=2)) == 1


def test_the_controller_needs_nothing_of_this_project_to_run_it() -> None:
    script = (
        "import sys, importlib.util as u;"
        f"s = u.spec_from_file_location('policy', {policy.__file__!r});"
        "m = u.module_from_spec(s); sys.modules['policy'] = m; s.loader.exec_module(m);"
        "print([n for n in sys.modules if n.split('.')[0] == 'app'])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
