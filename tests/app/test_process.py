"""What is switched for the whole process."""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys

import pytest
import torch

from app.process import allow_connections, freeze_loaded_objects, set_environment, use_threads


def test_the_environment_is_set_and_what_the_user_set_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")
    set_environment()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    assert os.environ["TOKENIZERS_PARALLELISM"] == "true"


def test_torch_uses_the_threads_it_is_told() -> None:
    before = torch.get_num_threads()
    try:
        use_threads(2)
        assert torch.get_num_threads() == 2
    finally:
        use_threads(before)


def test_what_is_loaded_is_out_of_the_collectors_sight() -> None:
    thresholds, before = gc.get_threshold(), gc.get_freeze_count()
    try:
        freeze_loaded_objects()
        assert gc.get_freeze_count() > before
        assert gc.get_threshold() == (10_000, 20, 20)
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_variable_of_opentelemetry_is_as_one_that_is_not_set(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", empty)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "xcopa-blue")
    set_environment()
    assert "OTEL_BSP_MAX_QUEUE_SIZE" not in os.environ
    assert os.environ["OTEL_SERVICE_NAME"] == "xcopa-blue"


LEAVING = """
import sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from app.process import leave
started = threading.Event()
ThreadPoolExecutor(1).submit(lambda: (started.set(), time.sleep(3600)))
started.wait()
print("said before", end="")
leave(7)
"""


def test_the_process_leaves_although_a_thread_that_python_waits_for_is_at_work() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEAVING], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (7, "said before")


def test_a_reader_of_the_output_that_has_gone_does_not_change_the_status() -> None:
    code = "from app.process import leave; print('x'); leave(0)"
    environment = {name: value for name, value in os.environ.items() if "UNBUFFERED" not in name}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        started.stdout.close()
        assert started.wait(60) == 0


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The limit of open files, soft and hard; the last is in force."""
    limits = [(256, 1024)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: limits.append(pair))
    return limits


def test_connections_get_the_descriptors_that_they_need(limit: list[tuple[int, int]]) -> None:
    assert allow_connections(500) == 500
    assert limit[-1] == (628, 1024)


def test_a_limit_that_is_enough_is_left_alone(limit: list[tuple[int, int]]) -> None:
    assert allow_connections(100) == 100
    assert len(limit) == 1


def test_more_connections_than_the_system_allows_are_cut_and_said(
    limit: list[tuple[int, int]], caplog: pytest.LogCaptureFixture
) -> None:
    assert allow_connections(5_000) == 1024 - 128
    assert limit[-1] == (1024, 1024)
    assert "896 connections at most" in caplog.text


SIGNALLED = """
import os, signal, threading
from app.process import queue_signals
signals = queue_signals()
threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
assert signals.get(timeout=30) == signal.SIGTERM
{more}
print("ended in order")
"""


@pytest.mark.parametrize(
    ("more", "status", "says"),
    [("", 0, "ended in order\n"), ("os.kill(os.getpid(), signal.SIGINT)", 1, "")],
    ids=["one signal", "two signals"],
)
def test_the_first_signal_is_told_and_the_second_ends_the_process(
    more: str, status: int, says: str
) -> None:
    command = [sys.executable, "-c", SIGNALLED.format(more=more)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (status, says)
