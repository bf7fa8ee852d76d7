"""Two runs never write one work folder, and a dead one keeps nobody out."""

from __future__ import annotations

import json
import os
import socket
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from models.training.errors import TrainingError
from models.training.holding import check_free, held
from tests.models.training.faults import context


def hold(work: Path, ready: Connection) -> None:
    """Hold a folder until the other end of the pipe closes."""
    with held(work):
        ready.send(os.getpid())
        ready.poll(None)


class Holder:
    """A process that holds a folder."""

    def __init__(self, work: Path) -> None:
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=hold, args=(work, theirs))
        self._process.start()
        theirs.close()
        self.pid = self._ours.recv()

    def end(self) -> None:
        self._ours.close()
        self._process.join()

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        self._ours.close()


def test_the_second_run_says_who_holds_the_folder(tmp_path: Path) -> None:
    holder = Holder(tmp_path)
    named = rf"is in use by process {holder.pid} on {socket.gethostname()}; wait"
    with pytest.raises(TrainingError, match=named), held(tmp_path):
        pass
    with pytest.raises(TrainingError, match=named):
        check_free(tmp_path)
    holder.end()
    with held(tmp_path):
        pass


def test_a_killed_run_keeps_nobody_out(tmp_path: Path) -> None:
    Holder(tmp_path).kill()
    check_free(tmp_path)
    with held(tmp_path):
        assert json.loads((tmp_path / "held-by.json").read_text())["pid"] == os.getpid()


def test_a_holder_that_has_not_said_its_name_yet_is_another_process(tmp_path: Path) -> None:
    holder = Holder(tmp_path)
    (tmp_path / "held-by.json").write_text("")
    with pytest.raises(TrainingError, match="in use by another process"), held(tmp_path):
        pass
    holder.end()


def test_looking_makes_no_folder(tmp_path: Path) -> None:
    check_free(tmp_path / "work")
    assert not (tmp_path / "work").exists()
