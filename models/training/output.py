"""The folder of the finished variant: it changes from the old to the new in one step."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from models.training.durable import nearest, whole_folder
from models.training.errors import TrainingError
from models.training.publish import MODEL_FILES


def check_output(out: Path, work: Path) -> None:
    """Find what would keep the variant from taking its place, before hours of work.

    Raises:
        TrainingError: something else has the place, or nothing can be written beside it.
    """
    if out.exists() and not out.is_dir():
        raise TrainingError(f"--out {out} is a file; name a directory")
    real = out.resolve()
    if os.path.ismount(real):
        raise TrainingError(
            f"--out {out} is a mount point, which has no beside; name a folder in it"
        )
    if real == Path.cwd():
        raise TrainingError(f"--out {out} is the current directory; start from another one")
    if work.resolve().is_relative_to(real):
        raise TrainingError(f"--work {work} lies in --out {out}; name folders apart")
    check_writable(real.parent, f"--out {out}")
    if out.is_dir():
        check_writable(real, f"--out {out}")


def check_work(work: Path) -> None:
    """Find what would keep checkpoints from being written.

    Raises:
        TrainingError: the place is a file's, or nothing can be written there.
    """
    if work.exists() and not work.is_dir():
        raise TrainingError(f"--work {work} is a file; name a directory")
    check_writable(work, f"--work {work}")


def check_writable(folder: Path, option: str) -> None:
    """Try whether files can be made in a folder, or in the one that it will be made in.

    Raises:
        TrainingError: they cannot; begins with the option.
    """
    there = nearest(folder)
    if not there.is_dir():
        raise TrainingError(f"{option}: {there} is a file, so nothing can lie in it")
    # Making a file would change what is looked at; the mode of a folder and of its disk tells.
    if not os.access(there, os.W_OK | os.X_OK, effective_ids=True):
        raise TrainingError(f"{option}: user {os.geteuid()} cannot write in {there}")


def put_out(variant: Path, out: Path) -> None:
    """Copy a variant to where it is wanted; the model card and whatever else lies there stays.

    Raises:
        TrainingError: it cannot be written; what was there is as it was.
    """
    target = out.resolve()  # where a link stands, it stays
    with whole_folder(target, target.with_name(f".{target.name}-writing")) as partial:
        for file in variant.iterdir():
            shutil.copyfile(file, partial / file.name)
        if target.is_dir():
            _keep_others(target, partial)


def _keep_others(before: Path, partial: Path) -> None:
    partial.chmod(stat.S_IMODE(before.stat().st_mode))
    for path in before.iterdir():
        if path.name in MODEL_FILES or (partial / path.name).exists():
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, partial / path.name, symlinks=True, copy_function=_link)
        elif path.is_symlink():
            (partial / path.name).symlink_to(path.readlink())
        else:
            _link(path, partial / path.name)


def _link(source: str | Path, target: str | Path) -> None:
    """Have a file under a second name, whatever its size; a copy where the disk has no links."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
