"""Programs that the test of the image runs, and what it says when they are missing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from scripts.image import __main__ as command
from scripts.image.commands import ImageTestError, output, run_logged, what_lacks


def test_a_command_that_fails_is_said_with_its_last_lines(tmp_path: Path) -> None:
    script = [sys.executable, "-c", "import sys; print(*range(40), sep='\\n'); sys.exit('why')"]
    with pytest.raises(ImageTestError, match=r"failed:\n27\n(.|\n)*39\n+why$"):
        output(script)
    with pytest.raises(ImageTestError, match=r"log\):\n(.|\n)*39"):
        run_logged(script, tmp_path / "log", {})


def test_a_command_is_given_more_environment() -> None:
    script = [sys.executable, "-c", "import os; print(os.environ['MORE'])"]
    assert output(script, {"MORE": "yes"}) == "yes\n"


def test_who_is_not_root_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert what_lacks() == "root is needed to make file systems and to start containers"


def test_without_the_tools_it_says_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command.main(["--work", str(tmp_path / "work")]) == 1
    assert capsys.readouterr().out == (
        "the image is not tested: apt-get install buildah debootstrap runc\n"
    )
    assert not (tmp_path / "work").exists()
