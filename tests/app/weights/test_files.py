"""How files are written, what is said of one that cannot be read, and whether there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.errors import StartError
from app.weights.files import exists, finish, readable, refuse_lfs_pointer, write_json
from tests.unprivileged import unprivileged


def test_a_file_that_may_not_be_read_is_named_with_the_user_who_tried(tmp_path: Path) -> None:
    (path := tmp_path / "config.json").touch(mode=0)
    with unprivileged(), pytest.raises(StartError) as stopped, readable("the model"):
        path.read_bytes()
    assert str(stopped.value) == (
        f"cannot read {path}: Permission denied; let the user that runs the service (uid "
        f"{os.geteuid()}) read it"
    )


def test_links_in_a_circle_are_named(tmp_path: Path) -> None:
    (path := tmp_path / "model").symlink_to("model")
    with pytest.raises(StartError) as stopped, readable("the model"):
        exists(path)
    assert str(stopped.value) == f"cannot read {path}: Too many levels of symbolic links"


def test_an_error_that_names_no_file_is_said_of_the_source() -> None:
    with pytest.raises(StartError) as stopped, readable("the model"):
        raise OSError("the share is gone")
    assert str(stopped.value) == "cannot read the model: the share is gone"


def test_what_is_there_exists_and_what_cannot_be_does_not(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    assert exists(tmp_path)
    assert exists(tmp_path / "file")
    for name in ("missing", "file/below", "dangling", "nul\0byte"):
        assert not exists(tmp_path / name)


def test_a_pointer_of_git_lfs_is_known_by_how_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    for content in (b"", b"version", b"weights " * 10):
        path.write_bytes(content)
        refuse_lfs_pointer(path)
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    with pytest.raises(StartError) as stopped:
        refuse_lfs_pointer(path)
    assert str(stopped.value) == (
        f"{path} is a Git LFS pointer and not the file itself; run `git lfs pull` there"
    )


def test_json_is_written_for_people_in_any_locale(tmp_path: Path) -> None:
    write_json(tmp_path / "file.json", {"mask": "<mask>", "pieces": [1, "\u2581é"]})
    assert (tmp_path / "file.json").read_bytes() == (
        b'{\n  "mask": "<mask>",\n  "pieces": [\n    1,\n    "\\u2581\\u00e9"\n  ]\n}\n'
    )


def test_every_user_may_read_what_is_finished(tmp_path: Path) -> None:
    for name, mode in (("open", 0o666), ("closed", 0o600)):
        (tmp_path / name).touch(mode)
    finish(tmp_path)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o644}
