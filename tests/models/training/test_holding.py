"""Two runs never write one work folder, and a dead one keeps nobody out."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from models.training.errors import TrainingError
from models.training.holding import check_free, held

HOLD = """
import sys
from pathlib import Path
from models.training.holding import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(work: Path) -> subprocess.Popen[str]:
    """Start a process that holds the folder until it is told to end."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(work)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_run_says_who_holds_the_folder(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        named = rf"is in use by process {process.pid} on {socket.gethostname()}; wait"
        with pytest.raises(TrainingError, match=named), held(tmp_path):
            pass
        with pytest.raises(TrainingError, match=named):
            check_free(tmp_path)
        process.communicate("")
    with held(tmp_path):
        pass


def test_a_killed_run_keeps_nobody_out(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.kill()
    check_free(tmp_path)
    with held(tmp_path):
        assert json.loads((tmp_path / "held-by.json").read_text())["pid"] == os.getpid()


def test_a_holder_that_has_not_said_its_name_yet_is_another_process(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        (tmp_path / "held-by.json").write_text("")
        with pytest.raises(TrainingError, match="in use by another process"), held(tmp_path):
            pass
        process.communicate("")


def test_looking_makes_no_folder(tmp_path: Path) -> None:
    check_free(tmp_path / "work")
    assert not (tmp_path / "work").exists()
