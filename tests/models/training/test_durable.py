"""Folders that are whole or not there, whatever ends the writing."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from models import disk
from models.training import durable
from models.training.durable import whole_folder
from models.training.errors import TrainingError


@pytest.fixture
def target(tmp_path: Path) -> Path:
    target = tmp_path / "out"
    target.mkdir()
    (target / "weights").write_text("old")
    (target / "gone").write_text("old")
    return target


def write(target: Path) -> None:
    with whole_folder(target, target.with_name("partial")) as partial:
        (partial / "weights").write_text("new")
        (partial / "inside").mkdir()
        (partial / "inside" / "deep").write_text("new")


def write_half(target: Path) -> None:
    with whole_folder(target, target.with_name("partial")) as partial:
        (partial / "weights").write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_takes_the_place_of_another_as_a_whole(target: Path) -> None:
    write(target)
    assert names(target) == ["inside", "weights"]
    assert names(target.parent) == ["out"]


def test_where_two_folders_cannot_change_names_the_new_one_comes_all_the_same(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "_exchange", lambda *_: False)
    write(target)
    assert names(target) == ["inside", "weights"]
    assert names(target.parent) == ["out"]


def test_what_a_kill_between_two_renames_left_is_put_back(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "_exchange", lambda *_: False)
    target.rename(target.with_name("partial-replaced"))
    with pytest.raises(TrainingError):
        write_half(target)
    assert names(target) == ["gone", "weights"]
    assert names(target.parent) == ["out"]


def test_the_folder_is_new(tmp_path: Path) -> None:
    write(tmp_path / "deeper" / "out")
    assert names(tmp_path / "deeper") == ["out"]


def test_what_fails_leaves_the_old_and_no_leftover(target: Path) -> None:
    with pytest.raises(TrainingError, match=r"cannot write .*out: No space left on device"):
        write_half(target)
    assert names(target) == ["gone", "weights"]
    assert (target / "weights").read_text() == "old"
    assert names(target.parent) == ["out"]


def test_everything_is_on_the_disk_before_it_is_named(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rename may reach the disk before the content does, and then power fails."""
    flushed: list[tuple[str, bool]] = []
    real = disk.flush

    def flush(path: Path) -> None:
        flushed.append((path.name, (target / "inside").exists()))
        real(path)

    monkeypatch.setattr(durable, "flush", flush)
    write(target)
    before = {name for name, named in flushed if not named}
    assert before == {"weights", "deep", "inside", "partial"}
    assert [name for name, named in flushed if named] == [target.parent.name]
