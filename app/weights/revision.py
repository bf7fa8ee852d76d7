"""The name of a model's state: a digest of all that changes an answer.

That is the weights, the settings that say how they are used, the tokenizer and the prompt. The
last two count where they are not XLM-R's tokenizer and the default prompt: two models that differ
in anything have different revisions, and revisions that were published before they counted stay.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from app.engine.prompt import Prompt

XLMR_TOKENIZER = "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39"
"""SHA-256 of the ``tokenizer.json`` of XLM-R, as the embedded base has it."""

_DIGITS = 12


def revision_of(model_files: Iterable[Path], tokenizer: Path | None, prompt: Prompt) -> str:
    """Hash the files and the prompt of a model. Reads all of them.

    Args:
        model_files: weights and their settings, in one order.
        tokenizer: the file that is used; None where there is none.
        prompt: the words that are put around what is asked.

    Raises:
        OSError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for path in model_files:
        digest.update(_digest_of(path))
    for part in _uncommon(tokenizer, prompt):
        digest.update(part)
    return digest.hexdigest()[:_DIGITS]


def _uncommon(tokenizer: Path | None, prompt: Prompt) -> Iterator[bytes]:
    """Yield what is not as in most models, each part with its name and of one length."""
    if tokenizer is not None and (found := _digest_of(tokenizer)).hex() != XLMR_TOKENIZER:
        yield b"tokenizer" + found
    if prompt != Prompt():
        words = json.dumps(asdict(prompt), sort_keys=True)
        yield b"prompt" + hashlib.sha256(words.encode()).digest()


def _digest_of(path: Path) -> bytes:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").digest()
