"""A served model as a checkpoint of its own, which transformers loads without this project."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from app.errors import StartError
from app.weights.checkpoint import Checkpoint
from app.weights.embedded import TOKENIZER_CONFIG
from app.weights.files import finish, readable, write_json
from app.weights.loading import load, max_tokens

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def export(checkpoint: Checkpoint, out: Path) -> None:
    """Write the model with its adapter merged, its tokenizer and its ``xcopa.json``.

    The directory appears under its name when all of it is on the disk. An interrupted export
    leaves nothing that could be mistaken for a checkpoint.

    Args:
        checkpoint: where the model comes from.
        out: must not exist, or be an empty directory.

    Raises:
        StartError: the directory holds something, or cannot be written; or the source cannot be
            loaded.
    """
    _check_empty(out)
    with readable(checkpoint.source):
        loaded = load(checkpoint)
        config = checkpoint.config
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as workspace:
            made = Path(workspace) / out.name
            made.mkdir()
            loaded.model.save_pretrained(made)
            config.save(made)
            _write_tokenizer(checkpoint.tokenizer_file, max_tokens(loaded.model.config), made)
            finish(made)
            made.rename(out)  # onto an empty directory as well; fails if it has been filled since
    except OSError as error:
        raise StartError(f"cannot write {out}: {error.strerror or error}") from error


def _check_empty(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise StartError(f"{out} is there and is no directory; name a new one")
    with readable(str(out)):
        if out.is_dir() and any(out.iterdir()):
            raise StartError(f"{out} is not empty; name a new directory")


def _write_tokenizer(file: Path, longest: int, out: Path) -> None:
    for name in _TOKENIZER_FILES:
        if (path := file.parent / name).exists():
            shutil.copyfile(path, out / name)
    if not (path := out / "tokenizer_config.json").exists():
        write_json(path, {**TOKENIZER_CONFIG, "model_max_length": longest})
