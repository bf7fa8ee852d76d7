"""Plans are measured in forked processes; one whose processes end is left out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
import torch

from app.engine.engine import Row
from app.engine.plan import EnginePlan
from app.engine.processes import trial
from app.engine.processes.trial import FULL, LONE, measure_plans
from tests.conftest import ROOT

ONE, TWO = EnginePlan(1, 2), EnginePlan(2, 1)


class NotingEngine:
    """Writes down who ran what, with how many threads; or ends."""

    def __init__(self, notes: Path, ends: int = 0) -> None:
        self._notes = notes
        self._ends = ends

    def warm_up(self) -> None:
        """Nothing to do."""

    def logits(self, rows: Sequence[Row]) -> list[float]:
        if torch.get_num_threads() == self._ends:
            os.kill(os.getpid(), signal.SIGKILL)
        with self._notes.open("a") as notes:
            notes.write(f"{os.getpid()} {torch.get_num_threads()} {[len(r) for r in rows]}\n")
        return [0.0] * len(rows)

    def lines(self) -> list[tuple[int, int, str]]:
        lines = [line.split(" ", 2) for line in self._notes.read_text().splitlines()]
        return [(int(pid), int(threads), rows) for pid, threads, rows in lines]


@pytest.fixture
def engine(tmp_path: Path) -> NotingEngine:
    return NotingEngine(tmp_path / "notes")


def test_every_engine_runs_full_batches_and_the_rows_of_a_lone_item_are_shared_out(
    engine: NotingEngine,
) -> None:
    found = measure_plans([TWO, ONE], engine)
    assert [str(each) for each in found] == ["2 x 1", "1 x 2"]
    assert all(each.tokens_per_second > 0 and each.lone_seconds > 0 for each in found)
    lines = engine.lines()
    passes = 1 + trial.ROUNDS
    assert len({pid for pid, threads, _ in lines if threads == 1}) == 2
    assert len({pid for pid, threads, _ in lines if threads == 2}) == 1
    assert os.getpid() not in {pid for pid, *_ in lines}
    ran = [(threads, rows) for _, threads, rows in lines]
    assert ran.count((1, str(list(FULL)))) == 2 * passes
    assert ran.count((2, str(list(FULL)))) == passes
    assert ran.count((1, str([LONE[0]]))) == ran.count((1, str([LONE[1]]))) == passes
    assert ran.count((2, str(sorted(LONE, reverse=True)))) == passes


def test_plans_take_turns(engine: NotingEngine) -> None:
    measure_plans([TWO, ONE], engine)
    turns = [threads for _, threads, rows in engine.lines() if rows == str(list(FULL))]
    assert turns == [1, 1, 2] * (1 + trial.ROUNDS)


def test_nobody_is_left(engine: NotingEngine) -> None:
    before = descriptors()
    measure_plans([TWO], engine)
    assert not any(psutil.pid_exists(pid) for pid, *_ in engine.lines())
    assert descriptors() == before


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_rounds_end_when_the_time_is_over_and_there_is_one_at_least(
    engine: NotingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "BUDGET_S", -1.0)
    assert len(measure_plans([ONE], engine)) == 1
    assert sum(rows == str(list(FULL)) for _, _, rows in engine.lines()) == 2


def test_a_plan_whose_processes_end_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = NotingEngine(tmp_path / "notes", ends=2)
    assert [str(each) for each in measure_plans([ONE, TWO], engine)] == ["2 x 1"]
    assert "engines of 1 x 2 cannot be measured" in caplog.messages[-1]


def test_a_process_that_does_not_answer_is_not_waited_for(
    engine: NotingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_: NotingEngine, rows: Sequence[Row]) -> list[float]:
        os.kill(os.getpid(), signal.SIGSTOP)
        return []

    monkeypatch.setattr(NotingEngine, "logits", stop)
    monkeypatch.setattr(trial, "ANSWER_LIMIT_S", 0.2)
    assert measure_plans([ONE], engine) == ()


ENCODER = """
import torch
from app.engine.encoder import PackedEncoder
from app.engine.plan import EnginePlan
from app.engine.processes.trial import measure_plans
from tests import tiny

torch.set_num_threads(1)
encoder = PackedEncoder(tiny.drawn_multiple_choice(1))
print(*measure_plans([EnginePlan(2, 1), EnginePlan(1, 2)], encoder), sep=", ")
"""


@pytest.mark.slow
def test_an_encoder_is_measured_with_its_threads() -> None:
    """In a process that never had threads, as the template: they would not survive the fork."""
    done = subprocess.run(
        [sys.executable, "-c", ENCODER], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "2 x 1, 1 x 2\n"


SERVICE = """
import sys, time
from app.engine.plan import EnginePlan
from app.engine.processes import trial
from app.engine.processes.apart import apart

trial.ANSWER_LIMIT_S = 3600

class Slow:
    def logits(self, rows):
        print(flush=True)
        time.sleep(3600)

apart(lambda plans: trial.measure_plans(plans, Slow()), [EnginePlan(2, 1)])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_who_is_killed_while_it_measures_leaves_nobody() -> None:
    with subprocess.Popen([sys.executable, "-c", SERVICE], cwd=ROOT, stdout=subprocess.PIPE) as own:
        assert own.stdout is not None
        own.stdout.readline()
        left = [each.pid for each in psutil.Process(own.pid).children(recursive=True)]
        assert len(left) == 3
        own.kill()
        give_up = time.monotonic() + 30
        while any(map(lives, left)):
            assert time.monotonic() < give_up
            time.sleep(0.01)


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
