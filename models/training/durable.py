"""Folders that are whole or not there: written under another name, and named when on the disk."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from models.disk import flush
from models.training.errors import TrainingError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
"""See renameat2(2)."""


@contextmanager
def whole_folder(target: Path, partial: Path) -> Iterator[Path]:
    """Give a folder to write into; when the block ends, it takes the target's place in one step.

    If the block fails or the process ends, whatever had the target's name before still has it.

    Args:
        target: what the folder is called when it is whole.
        partial: what it is called before; on the same file system. A leftover of it is removed.

    Raises:
        TrainingError: the system refuses to write.
    """
    with writing(target):
        _take_up(partial, target)
        partial.mkdir(parents=True)
        try:
            yield partial
            _flush(partial)
            _put(partial, target)
        finally:
            # After a full disk, what was half written would keep it full.
            shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system refuses into one line that names the path.

    Raises:
        TrainingError: in place of an ``OSError``, or of safetensors' own error.
    """
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        reason = error.strerror or str(error)
        raise TrainingError(f"cannot write {path}: {reason}{where}") from error
    except SafetensorError as error:
        raise TrainingError(f"cannot write {path}: {' '.join(str(error).split())}") from error


def _flush(folder: Path) -> None:
    """Have the disk hold what is in a folder: the system may else rename before it writes."""
    for directory, _, files in os.walk(folder):
        for path in (*(Path(directory, name) for name in files), Path(directory)):
            if not path.is_symlink():
                flush(path)


def _put(partial: Path, target: Path) -> None:
    if not target.exists():
        partial.rename(target)
    elif not _exchange(partial, target):
        replaced = _replaced(partial)
        target.rename(replaced)
        partial.rename(target)
        shutil.rmtree(replaced, ignore_errors=True)
    flush(target.parent)


def _replaced(partial: Path) -> Path:
    return partial.with_name(partial.name + "-replaced")


def _take_up(partial: Path, target: Path) -> None:
    """Remove what a killed run left; where two renames were needed, the first may be undone."""
    shutil.rmtree(partial, ignore_errors=True)
    replaced = _replaced(partial)
    if replaced.exists() and not target.exists():
        replaced.rename(target)
    shutil.rmtree(replaced, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Have two folders change names in one step; False where the system cannot.

    Two renames would leave a moment without either.
    """
    rename = getattr(ctypes.CDLL(None), "renameat2", None)  # Linux, glibc 2.28
    paths = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other))
    return rename is not None and rename(*paths, _RENAME_EXCHANGE) == 0


def nearest(path: Path) -> Path:
    """Return the path, or the nearest above it that is there."""
    real = path.resolve()
    return next(each for each in (real, *real.parents) if each.exists())
