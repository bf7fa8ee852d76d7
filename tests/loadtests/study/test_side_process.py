"""A side in a process of its own: it runs there, and what fails there is said here."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from loadtests.study.side import Side
from loadtests.study.side_process import RunError, side_process


@pytest.mark.slow
def test_a_side_runs_in_a_process_of_its_own_and_leaves_no_server(embedded_base: Path) -> None:
    before = set(psutil.Process().children(recursive=True))
    http = Side("b", "stilts", how="http", batch_items=2)
    for side in (Side("a", "direct", batch_items=2), http):
        with side_process(side, 512, None) as run:
            figures = run(0, 3)
            started = set(psutil.Process().children(recursive=True)) - before
        assert not [each for each in started if each.is_running() and "serve" in each.cmdline()]
        assert len(figures.calls) in (3, 6)
        assert min(figures.calls) > 0
        assert figures.items == 6
        assert figures.seconds > 0
        assert figures.cpu_seconds > 0


@pytest.mark.slow
def test_a_side_that_cannot_be_run_says_why() -> None:
    with (
        pytest.raises(RunError, match=r"^nobody: .*nobody"),
        side_process(Side("nobody", "nobody"), 512, None),
    ):
        pytest.fail("it has started")


@pytest.mark.slow
def test_a_process_that_was_killed_ends_the_block_and_is_named(embedded_base: Path) -> None:
    before = set(psutil.Process().children(recursive=True))
    with ExitStack() as stack:
        run = stack.enter_context(side_process(Side("a", "direct", batch_items=2), 512, None))
        for process in set(psutil.Process().children(recursive=True)) - before:
            if "spawn_main" in " ".join(process.cmdline()):
                os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(RunError, match=r"^a: its process ended$"):
            run(0, 1)
