"""The folder of the finished variant: the old one whole, then the new one whole."""

from __future__ import annotations

import os
import shutil
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from models.training.errors import TrainingError
from models.training.output import check_output, check_work, put_out
from tests.models.training.faults import Fault, Kind, run_call, writes_of
from tests.models.training.small import contents
from tests.unprivileged import unprivileged


@pytest.fixture
def variant(tmp_path: Path) -> Path:
    folder = tmp_path / "variant"
    folder.mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors", "training.json"):
        (folder / name).write_text(f"new {name}")
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A checkpoint of another kind, with a card, a folder and a link beside it."""
    folder = tmp_path / "out"
    (folder / ".git" / "refs").mkdir(parents=True)
    (folder / ".git" / "refs" / "main").write_text("123")
    (folder / "config.json").write_text("old")
    (folder / "model.safetensors").write_text("old")
    (folder / "training.json").write_text("old")
    (folder / "README.md").write_text("my card")
    (folder / "latest").symlink_to("README.md")
    return folder


def test_files_of_the_old_model_go_and_what_others_put_there_stays(
    variant: Path, out: Path
) -> None:
    out.chmod(0o750)
    put_out(variant, out)
    assert sorted(path.name for path in out.iterdir()) == [
        *(".git", "README.md", "adapter_config.json", "adapter_model.safetensors", "latest"),
        "training.json",
    ]
    assert (out / "training.json").read_text() == "new training.json"
    assert (out / "README.md").read_text() == "my card"
    assert (out / ".git" / "refs" / "main").read_text() == "123"
    assert (out / "latest").readlink() == Path("README.md")
    assert stat.S_IMODE(out.stat().st_mode) == 0o750
    assert sorted(path.name for path in out.parent.iterdir()) == ["out", "variant"]


def test_a_copy_that_fails_midway_leaves_the_old_output(
    variant: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_text() for path in out.iterdir() if path.is_file()}
    copied: list[Path] = []

    def copy(source: Path, target: Path) -> None:
        if copied:
            raise OSError(28, os.strerror(28))
        copied.append(target)
        Path(target).write_bytes(Path(source).read_bytes())

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfile", copy)
        with pytest.raises(TrainingError, match="No space left on device"):
            put_out(variant, out)
    assert {path.name: path.read_text() for path in out.iterdir() if path.is_file()} == before
    assert sorted(path.name for path in out.parent.iterdir()) == ["out", "variant"]


def test_a_disk_without_links_has_the_others_copied(
    variant: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(1, "not permitted")

    monkeypatch.setattr(os, "link", refused)
    put_out(variant, out)
    assert (out / "README.md").read_text() == "my card"
    assert (out / ".git" / "refs" / "main").read_text() == "123"


def test_a_link_stays_and_the_folder_behind_it_changes(
    variant: Path, out: Path, tmp_path: Path
) -> None:
    link = tmp_path / "current"
    link.symlink_to(out)
    put_out(variant, link)
    assert link.is_symlink()
    assert (out / "adapter_config.json").exists()


def test_what_cannot_be_an_output_is_told_before_training(tmp_path: Path) -> None:
    work = tmp_path / "work"
    file = tmp_path / "file"
    file.write_text("")
    cases = {
        file: "is a file; name a directory",
        file / "below": "is a file, so nothing can lie in it",
        Path("/proc"): "is a mount point",
        Path.cwd(): "is the current directory",
        tmp_path: "lies in --out",
    }
    for out, complaint in cases.items():
        with pytest.raises(TrainingError, match=complaint):
            check_output(out, work)
    check_output(tmp_path / "deep" / "er", work)
    assert not (tmp_path / "deep").exists(), "looking makes nothing"


def test_a_work_folder_that_is_a_file_is_told_before_training(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("")
    with pytest.raises(TrainingError, match=r"--work .* is a file; name a directory"):
        check_work(tmp_path / "work")


Check = Callable[[Path], None]


@pytest.mark.parametrize("check", [check_work, lambda path: check_output(path, Path("elsewhere"))])
def test_folders_that_may_not_be_written_are_told_before_training(
    tmp_path: Path, check: Check
) -> None:
    (tmp_path / "there").mkdir()
    tmp_path.chmod(0o555)
    try:
        with unprivileged(), pytest.raises(TrainingError, match=r"--(out|work) .* cannot write in"):
            check(tmp_path / "new")
    finally:
        tmp_path.chmod(0o755)


def test_a_read_only_folder_below_one_that_may_be_written_is_told(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir(mode=0o555)
    with unprivileged(), pytest.raises(TrainingError, match="cannot write in"):
        check_output(out, tmp_path / "work")


@pytest.mark.slow
def test_a_kill_at_any_write_leaves_the_old_or_the_new_whole(
    variant: Path, out: Path, tmp_path: Path
) -> None:
    shutil.copytree(out, tmp_path / "old", symlinks=True)
    writes = writes_of(run_call(put_out, (variant, out), tmp_path, Fault()))
    new, old = contents(out), contents(tmp_path / "old")
    found = []
    for at in range(1, writes + 1):
        shutil.rmtree(out)
        shutil.copytree(tmp_path / "old", out, symlinks=True)
        ended = run_call(put_out, (variant, out), tmp_path, Fault(Kind.KILL, at))
        assert ended.code == -signal.SIGKILL
        found.append(contents(out))
    assert [each for each in found if each not in (old, new)] == []
    assert old in found
    assert new in found, "of the last writes, some take away what was replaced"
