"""A template forks engines and its own spare, and ends with the front and not before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from app.engine.processes.templates import NoTemplateError, Templates
from tests.app.engine.stand_in_weights import order
from tests.conftest import ROOT

LIMIT_S = 30

FRONT = """
import sys, time
from app.engine.pool import EnginePool
from app.engine.pool_engines import engines_of
from tests.app.engine import stand_in_weights as say
pool = EnginePool(say.order())
pool.start()
print(*pool.pids.values(), *pool.templates.pids, flush=True)
engines_of(pool, ["plus"])["plus"].logits([(0, say.STICK)])
"""


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def templates() -> Iterator[Templates]:
    made = Templates(order())
    made.start()
    yield made
    made.end()


def test_the_spare_takes_over_and_gets_a_spare_of_its_own(templates: Templates) -> None:
    first, spare = templates.pids
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: any(each.poll() for each in templates.controls))
    templates.look_after()
    assert templates.pids[0] == spare
    assert len(templates.pids) == 2
    assert lives(templates.fork_engine(0).pid)


def test_a_template_that_does_not_answer_is_replaced_when_it_is_asked(
    templates: Templates, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Long enough for the spare to fork on a busy machine.
    monkeypatch.setattr("app.engine.processes.templates.ANSWER_LIMIT_S", 3.0)
    first, spare = templates.pids
    os.kill(first, signal.SIGSTOP)
    assert lives(templates.fork_engine(0).pid)
    assert templates.pids[0] == spare


def test_without_a_template_no_engine_can_be_started(templates: Templates) -> None:
    for pid in templates.pids:
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(NoTemplateError):
        templates.fork_engine(0)
    assert templates.pids == []


def test_an_engine_outlives_its_template(templates: Templates) -> None:
    engine = templates.fork_engine(0)
    assert engine.channel.poll(LIMIT_S)
    engine.hear_ready()
    os.kill(templates.pids[0], signal.SIGKILL)
    templates.look_after()
    engine.ask(0, [(0, 4)])
    assert engine.answer() == [4.0]


@pytest.mark.parametrize("stopped", [False, True])
def test_no_process_outlives_a_front_that_is_killed_in_the_midst_of_a_pass(stopped: bool) -> None:
    front = subprocess.Popen(
        [sys.executable, "-c", FRONT], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert front.stdout is not None
    pids = [int(pid) for pid in front.stdout.readline().split()]
    front.stdout.close()
    assert len(pids) == 4
    if stopped:
        os.kill(pids[0], signal.SIGSTOP)
    front.kill()
    front.wait()
    wait_until(lambda: not any(map(lives, pids)))


def test_the_folder_in_which_the_front_runs_does_not_decide_what_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("app", "json", "logging"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(77)", encoding="ascii")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(ROOT), *[path for path in sys.path if path]])
    made = Templates(order())
    made.start()
    made.end()


@pytest.mark.parametrize("beside", [False, True])
def test_loading_beside_others_gives_way_to_them_and_what_is_forked_does_not(beside: bool) -> None:
    own, lowest = os.nice(0), 19
    made = Templates(replace(order(), beside=beside))
    about = made.start().about
    assert isinstance(about, dict)
    assert about["nice"] == (min(lowest, own + 10) if beside else own)
    engine = made.fork_engine(0)
    for pid in (*made.pids, engine.pid):
        assert psutil.Process(pid).nice() == own
        assert psutil.Process(pid).num_threads() <= 2, "its own, and the one that waits for the end"
    made.end()
