"""The name of a model's state: a digest of all that changes an answer.

That is the weights, the settings that say how they are used, the tokenizer, the prompt and the
temperature. The last three count where they are not XLM-R's tokenizer, the default prompt and 1:
two models that differ in anything have different revisions, and revisions that were published
before they counted stay.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from app.engine.prompt import Prompt
from app.weights.variant_config import VariantConfig

XLMR_TOKENIZER = "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39"
"""SHA-256 of the ``tokenizer.json`` of XLM-R, as the embedded base has it."""

_DIGITS = 12


def revision_of(model_files: Iterable[Path], tokenizer: Path | None, config: VariantConfig) -> str:
    """Hash all that makes the answers of a model. Reads all of its files.

    Args:
        model_files: weights and their settings, in one order.
        tokenizer: the file that is used; None where there is none.
        config: how it is asked, and how sure its answers are.

    Raises:
        OSError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for path in model_files:
        digest.update(_digest_of(path))
    for part in _uncommon(tokenizer, config):
        digest.update(part)
    return digest.hexdigest()[:_DIGITS]


def _uncommon(tokenizer: Path | None, config: VariantConfig) -> Iterator[bytes]:
    """Yield what is not as in most models, each part with its name and of one length."""
    if tokenizer is not None and (found := _digest_of(tokenizer)).hex() != XLMR_TOKENIZER:
        yield b"tokenizer" + found
    if config.prompt != Prompt():
        words = json.dumps(config.content()["prompt"], sort_keys=True)
        yield b"prompt" + hashlib.sha256(words.encode()).digest()
    if config.temperature != VariantConfig.temperature:
        yield b"temperature" + hashlib.sha256(repr(config.temperature).encode()).digest()


def _digest_of(path: Path) -> bytes:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").digest()
