"""Whether a checkpoint can be trained further: what the service refuses is no starting point."""

from __future__ import annotations

from pathlib import Path

from transformers import XLMRobertaConfig

from app.weights.checkpoint import Checkpoint
from app.weights.files import readable
from app.weights.fitting import check_tokenizer
from app.weights.loading import load_encoder
from app.weights.shared_tokenizers import SharedTokenizers


def check_base(directory: Path) -> XLMRobertaConfig:
    """Read a base as the service reads a model, though it may lack the head; keep none of it.

    transformers would draw at random what the file lacks, and train on.

    Args:
        directory: of a full checkpoint.

    Returns:
        Its configuration.

    Raises:
        StartError: weights are missing, damaged, no numbers or of other shapes, or the tokenizer
            is another model's.
    """
    checkpoint = Checkpoint(str(directory), full=directory)
    config: XLMRobertaConfig = load_encoder(checkpoint).config
    with readable(checkpoint.source):
        path = checkpoint.tokenizer_file
        check_tokenizer(SharedTokenizers().load(path).tokenizer, config, path)
    return config
