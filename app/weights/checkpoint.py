"""Which files make up a model source, checked before anything is loaded.

A source is a hub id, a directory, or ``embedded:multilingual-e5-small``. It holds a full
checkpoint, or a PEFT adapter that names one. Nothing here imports torch.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.engine.prompt import Prompt
from app.errors import StartError, wanted_by
from app.weights.embedded import EMBEDDED_BASE, assembled_base, ensure_base
from app.weights.files import exists, readable
from app.weights.hub import cached, resolve
from app.weights.revision import revision_of
from app.weights.variant_config import VARIANT_CONFIG, VariantConfig

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
ADAPTER_CONFIG = "adapter_config.json"
TOKENIZER = "tokenizer.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"

_MOST_NAMES = 4
_FORMATS_OF_WEIGHTS = {".safetensors", ".bin", ".pt", ".pth", ".h5", ".msgpack", ".onnx", ".gguf"}


@dataclass(frozen=True)
class Checkpoint:
    """The directories behind a source: a full checkpoint, and the adapter on it if there is one."""

    source: str
    full: Path
    adapter: Path | None = None
    prompt: Prompt | None = None
    """What the settings ask it with; None takes the words that are stored with it."""
    setting: str = ""
    """What names the source, for messages."""

    @property
    def config(self) -> VariantConfig:
        """How it is asked, and how sure its answers are.

        Raises:
            StartError: its ``xcopa.json`` is not as it must be.
        """
        stored = VariantConfig.load(self.own)
        return stored if self.prompt is None else replace(stored, prompt=self.prompt)

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
        if (path := self._tokenizer()) is not None:
            return path
        raise StartError(
            f"{self.full} has no {TOKENIZER}; save one beside the weights with "
            "AutoTokenizer.from_pretrained(...).save_pretrained(...)"
        )

    def _tokenizer(self) -> Path | None:
        paths = (directory / TOKENIZER for directory in reversed(self.directories))
        return next(filter(exists, paths), None)

    @property
    def model_files(self) -> tuple[Path, ...]:
        """The weights, and the settings that say how they are used."""
        files = [self.full / CONFIG, *weight_files(self.full)]
        if self.adapter is not None:
            files += [self.adapter / ADAPTER_CONFIG, adapter_weights(self.adapter)]
        return tuple(files)

    def revision(self) -> str:
        """Hash all that changes an answer. Reads all of it.

        Raises:
            StartError: its ``xcopa.json`` is not as it must be.
        """
        return revision_of(self.model_files, self._tokenizer(), self.config)

    def state(self) -> tuple[tuple[int, int, int], ...]:
        """What changes when somebody writes to one of the files, or puts another in its place."""
        beside = (self._tokenizer(), self.own / VARIANT_CONFIG)
        read = [*self.model_files, *(path for path in beside if path is not None and exists(path))]
        found = [path.stat() for path in read]
        return tuple((each.st_ino, each.st_size, each.st_mtime_ns) for each in found)


def locate(source: str, cache_dir: Path) -> Checkpoint:
    """Find the files of a source; a hub id is fetched, the embedded base is assembled.

    Args:
        source: a hub id, a directory, or ``EMBEDDED_BASE``.
        cache_dir: where the embedded base is kept.

    Raises:
        StartError: there is no such source, or it is not a model that this service can hold.
    """
    with readable(source):
        directory = _directory(source, cache_dir)
        if not exists(directory / ADAPTER_CONFIG):
            _check_full(directory, source)
            return Checkpoint(source, full=directory)
        base = _base_of(directory)
        adapter_weights(directory)
        with wanted_by(f"{directory / ADAPTER_CONFIG}: base_model_name_or_path"):
            full = _directory(base, cache_dir)
            _check_full(full, base)
        return Checkpoint(source, full=full, adapter=directory)


def directory_here(source: str, cache_dir: Path) -> Path | None:
    """Return the directory of a source, or None where ``locate`` would have to fetch it.

    Args:
        source, cache_dir: as of ``locate``.

    Raises:
        StartError: the source can be neither a directory nor a hub id.
    """
    with readable(source):
        return assembled_base(cache_dir) if source == EMBEDDED_BASE else cached(source)


def _directory(source: str, cache_dir: Path) -> Path:
    return ensure_base(cache_dir) if source == EMBEDDED_BASE else resolve(source)


def _base_of(adapter: Path) -> str:
    """Return the source of an adapter's base, with the revision that the adapter asks for."""
    config = read_json(adapter / ADAPTER_CONFIG)
    base = str(config.get("base_model_name_or_path") or "")
    if not base:
        raise StartError(f"{adapter / ADAPTER_CONFIG} names no base model")
    # First, because a folder of that name where the service is started may be anything.
    if exists(beside := adapter / base):
        return str(beside)
    if exists(Path(os.path.expanduser(base))):  # noqa: PTH111 - the other raises
        return base
    revision = config.get("revision")
    return f"{base}@{revision}" if revision and base != EMBEDDED_BASE and "@" not in base else base


def _check_full(directory: Path, source: str) -> None:
    """Look whether the files are there and of the right kind; opens no weights."""
    if not exists(directory / CONFIG):
        raise StartError(f"{source!r} has no {CONFIG}, so it is not a model")
    model_type = read_json(directory / CONFIG).get("model_type")
    if model_type != "xlm-roberta":
        raise StartError(f"{source!r} is a {model_type} model, not xlm-roberta")
    weight_files(directory)


def weight_files(directory: Path) -> tuple[Path, ...]:
    """Return the weights of a full checkpoint, in one file or in several.

    Raises:
        StartError: there are none, or not all of them.
    """
    index = directory / WEIGHTS_INDEX
    if exists(directory / WEIGHTS) or not exists(index):
        return (_existing(directory, WEIGHTS),)
    shards = read_json(index).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise StartError(f"{index} must hold a weight_map that names the files")
    names = sorted({Path(str(name)).name for name in shards.values()})
    return tuple(_existing(directory, name) for name in names)


def adapter_weights(directory: Path) -> Path:
    """Return the weights of an adapter.

    Raises:
        StartError: there are none.
    """
    return _existing(directory, ADAPTER_WEIGHTS)


def _existing(directory: Path, name: str) -> Path:
    if exists(path := directory / name):
        return path
    others = sorted(
        found.name for found in directory.iterdir() if found.suffix in _FORMATS_OF_WEIGHTS
    )
    found = f"; it holds {', '.join(others[:_MOST_NAMES])}" if others else ""
    raise StartError(f"{directory} has no {name}{found}. Only safetensors are read")


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
