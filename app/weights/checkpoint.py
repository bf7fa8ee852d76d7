"""Which files make up a model source, checked before anything is loaded.

A source is a hub id, a directory, or ``embedded:multilingual-e5-small``. It holds a full
checkpoint, or a PEFT adapter that names one. Nothing here imports torch.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import StartError
from app.weights.embedded import EMBEDDED_BASE, ensure_base
from app.weights.hub import resolve

ADAPTER_CONFIG = "adapter_config.json"

_REVISION_DIGITS = 12


@dataclass(frozen=True)
class Checkpoint:
    """The directories behind a source: a full checkpoint, and the adapter on it if there is one."""

    source: str
    full: Path
    adapter: Path | None = None

    @property
    def own(self) -> Path:
        """The directory that the source itself names."""
        return self.adapter or self.full

    @property
    def directories(self) -> tuple[Path, ...]:
        """The checkpoint's directory and, behind it, the adapter's."""
        return (self.full,) if self.adapter is None else (self.full, self.adapter)

    @property
    def tokenizer_file(self) -> Path:
        """The adapter's own tokenizer when it brings one, else its base's.

        Raises:
            StartError: neither has a ``tokenizer.json``.
        """
        for directory in reversed(self.directories):
            if (path := directory / "tokenizer.json").exists():
                return path
        raise StartError(
            f"{self.full} has no tokenizer.json; save one beside the weights with "
            "AutoTokenizer.from_pretrained(...).save_pretrained(...)"
        )

    def revision(self) -> str:
        """Hash the weights, and the settings that say how they are used. Reads every file."""
        digest = hashlib.sha256()
        for directory in self.directories:
            for path in sorted([*directory.glob("*.safetensors"), *directory.glob("*config.json")]):
                if path.name == "tokenizer_config.json":
                    continue
                with path.open("rb") as handle:
                    digest.update(hashlib.file_digest(handle, "sha256").digest())
        return digest.hexdigest()[:_REVISION_DIGITS]


def locate(source: str, cache_dir: Path) -> Checkpoint:
    """Find the files of a source; a hub id is fetched, the embedded base is assembled.

    Args:
        source: a hub id, a directory, or ``EMBEDDED_BASE``.
        cache_dir: where the embedded base is kept.

    Raises:
        StartError: there is no such source, or it is not a model that this service can hold.
    """
    directory = _directory(source, cache_dir)
    if not (directory / ADAPTER_CONFIG).exists():
        _check_checkpoint(directory, source)
        return Checkpoint(source, full=directory)
    base = read_json(directory / ADAPTER_CONFIG).get("base_model_name_or_path")
    if not base:
        raise StartError(f"{source}/{ADAPTER_CONFIG} names no base model")
    if not (directory / "adapter_model.safetensors").exists():
        raise StartError(f"{source!r} has no adapter_model.safetensors; other formats are not read")
    full = _directory(str(base), cache_dir)
    _check_checkpoint(full, str(base))
    return Checkpoint(source, full=full, adapter=directory)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        StartError: the file holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StartError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise StartError(f"{path} is not a JSON object")
    return content


def _directory(source: str, cache_dir: Path) -> Path:
    return ensure_base(cache_dir) if source == EMBEDDED_BASE else resolve(source)


def _check_checkpoint(directory: Path, source: str) -> None:
    if not (directory / "config.json").exists():
        raise StartError(f"{source!r} has no config.json, so it is not a model")
    model_type = read_json(directory / "config.json").get("model_type")
    if model_type != "xlm-roberta":
        raise StartError(f"{source!r} is a {model_type} model, not xlm-roberta")
    if not any(directory.glob("*.safetensors")):
        raise StartError(f"{source!r} has no safetensors weights; other formats are not read")
