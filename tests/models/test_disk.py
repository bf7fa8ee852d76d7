"""Files and the names in folders reach the disk, or it is said that they cannot."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from models.disk import flush


@pytest.mark.parametrize("name", ["", "file"])
def test_files_and_folders_are_flushed_and_let_go_of(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    flush(tmp_path / name)
    assert len(flushed) == 1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(flushed[0])


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSPC])
def test_a_file_system_that_cannot_flush_a_folder_is_no_failure_and_a_full_one_is(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An evaluation on a network file system ended at its last step."""

    def fsync(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
    if number == errno.EINVAL:
        flush(tmp_path)
        return
    with pytest.raises(OSError, match="No space left"):
        flush(tmp_path)
