"""A service that is the first process of a container inherits orphans, and leaves no zombie."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from app.engine.processes.orphans import Orphans
from tests.conftest import ROOT

FRONT = """
import ctypes, os, signal, sys, time
import psutil
from app.engine.pool import EnginePool
from tests.app.engine import stand_in_weights as say

ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: what ends leaves its orphans here
pool = EnginePool(say.order())
pool.start()
left = {*pool.templates.pids, *pool.pids.values()}

def wait_until(condition):
    give_up = time.monotonic() + 60
    while not condition():
        if time.monotonic() > give_up:
            sys.exit("it hangs")
        time.sleep(0.01)

for _ in range(2):  # the spare that has taken over is an orphan
    template, spare = pool.templates.pids
    os.kill(template, signal.SIGKILL)
    wait_until(lambda: pool.templates.pids[0] == spare and len(pool.templates.pids) == 2)
for pid in pool.pids.values():
    os.kill(pid, signal.SIGKILL)
wait_until(lambda: pool.moving == 2 and not left & {*pool.pids.values()})
wait_until(lambda: not any(map(psutil.pid_exists, left)))
pool.stop()
print("nobody is left")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")
def test_templates_and_engines_that_were_inherited_leave_no_zombie() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FRONT], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "nobody is left\n", done.stderr


def test_a_child_is_taken_off_the_list_once_it_has_ended() -> None:
    orphans = Orphans()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    orphans.add(child.pid)
    orphans.reap()
    assert orphans, "it still runs"
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    orphans.reap()
    assert not orphans
    assert not psutil.pid_exists(child.pid)
    child.wait()
    assert child.stdin is not None
    child.stdin.close()


def test_the_child_of_another_is_forgotten() -> None:
    orphans = Orphans()
    orphans.add(os.getppid())
    orphans.reap()
    assert not orphans
