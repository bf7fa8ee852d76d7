"""The files of a checkpoint to transformers' model.

Three kinds of source become one kind of model, ``XLMRobertaForMultipleChoice``:

* a multiple-choice checkpoint, as it is;
* a sequence-classification checkpoint with one label, whose head (dense, tanh, projection on
  ``<s>``) is the multiple-choice head under other names;
* a PEFT adapter on either, merged into its base.

Only safetensors are read and no remote code is ever run.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, PeftModel
from safetensors import SafetensorError
from transformers import (
    PreTrainedModel,
    XLMRobertaConfig,
    XLMRobertaForMultipleChoice,
    XLMRobertaForSequenceClassification,
)

from app.errors import StartError
from app.weights.checkpoint import Checkpoint, read_json

_LOAD_ERRORS = (
    *(OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError),
    SafetensorError,
)
"""What transformers, PEFT and safetensors raise at files that are not what they should be."""

_MOST_NAMES = 4
"""Missing weights that an error names."""


def load_model(checkpoint: Checkpoint) -> XLMRobertaForMultipleChoice:
    """Load the transformers model of a checkpoint, in fp32, with its adapter merged.

    Raises:
        StartError: the files are not those of a model that this service can hold.
    """
    try:
        return _load_model(checkpoint)
    except _LOAD_ERRORS as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise StartError(f"cannot load {checkpoint.source!r}: {reason}") from error


def max_tokens(config: XLMRobertaConfig) -> int:
    """Return how many tokens a row may have: XLM-R's first position is ``pad_token_id + 1``."""
    longest: int = config.max_position_embeddings - config.pad_token_id - 1
    return longest


@contextmanager
def quiet_peft() -> Iterator[None]:
    """Hide a warning of PEFT's about an attribute that transformers has renamed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def _load_model(checkpoint: Checkpoint) -> XLMRobertaForMultipleChoice:
    if checkpoint.adapter is None:
        model, missing = _from_pretrained(checkpoint.full, _is_classifier(checkpoint.full))
        _check_label_count(model)
        _check_head(checkpoint.full, missing)
    else:
        model = _load_adapter(checkpoint.full, checkpoint.adapter)
    _check_architecture(model.config)
    if isinstance(model, XLMRobertaForSequenceClassification):
        model = as_multiple_choice(model)
    return model.eval().requires_grad_(False)


def _is_classifier(directory: Path) -> bool:
    architectures: list[str] = read_json(directory / "config.json").get("architectures") or []
    return "XLMRobertaForSequenceClassification" in architectures


def _from_pretrained(
    directory: Path, classifier: bool, **config: int
) -> tuple[XLMRobertaForMultipleChoice | XLMRobertaForSequenceClassification, set[str]]:
    kind = XLMRobertaForSequenceClassification if classifier else XLMRobertaForMultipleChoice
    model, info = kind.from_pretrained(
        directory,
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=True,
        dtype=torch.float32,
        output_loading_info=True,
        **config,
    )
    return model, set(info["missing_keys"])


def _load_adapter(base: Path, adapter: Path) -> Any:
    config = PeftConfig.from_pretrained(str(adapter))
    if config.task_type == "SEQ_CLS":
        # The adapter brings the head; a base that nobody fine-tuned states two labels by default.
        model, missing = _from_pretrained(base, classifier=True, num_labels=1)
    else:
        model, missing = _from_pretrained(base, classifier=False)
    with quiet_peft():
        adapted = PeftModel.from_pretrained(model, str(adapter), config=config)
    brought = _modules_to_save(config)
    _check_head(adapter, [key for key in missing if not _is_under(key, brought)])
    return adapted.merge_and_unload()


def _modules_to_save(config: PeftConfig) -> Sequence[str]:
    return getattr(config, "modules_to_save", None) or ()


def _is_under(key: str, modules: Sequence[str]) -> bool:
    """Whether a parameter belongs to one of the modules, named as PEFT names them."""
    return any(f".{module}." in f".{key}" for module in modules)


def _check_head(directory: Path, missing: Iterable[str]) -> None:
    if names := sorted(missing):
        raise StartError(
            f"{directory} lacks {', '.join(names[:_MOST_NAMES])}: it is not fine-tuned for "
            "multiple choice. Name a fine-tuned checkpoint, or an adapter that brings the head"
        )


def _check_label_count(model: PreTrainedModel) -> None:
    if isinstance(model, XLMRobertaForSequenceClassification) and model.config.num_labels != 1:
        raise StartError(
            f"a sequence classifier needs one label, this one has {model.config.num_labels}"
        )


def _check_architecture(config: XLMRobertaConfig) -> None:
    """Refuse what transformers computes differently from the packed encoder."""
    expected = {
        "is_decoder": False,
        "add_cross_attention": False,
        "position_embedding_type": "absolute",
    }
    for name, value in expected.items():
        if (found := getattr(config, name, value)) != value:
            raise StartError(f"{name} must be {value} in config.json, not {found}")
    if config.pad_token_id is None or config.num_hidden_layers < 1:
        raise StartError("config.json must state a pad_token_id, and at least one layer")


def as_multiple_choice(
    classifier: XLMRobertaForSequenceClassification,
) -> XLMRobertaForMultipleChoice:
    """Put the parts of a one-label classifier into a multiple-choice model; copies nothing.

    Both heads read ``<s>``: dense, tanh, then a projection to one number. Only names differ.
    """
    with torch.device("meta"):
        model = XLMRobertaForMultipleChoice(classifier.config)
    pooler = model.roberta.pooler
    pooler.dense = classifier.classifier.dense
    model.roberta = classifier.roberta
    model.roberta.pooler = pooler
    model.classifier = classifier.classifier.out_proj
    return model
