"""The files of a checkpoint to transformers' model.

Three kinds of source become one kind of model, ``XLMRobertaForMultipleChoice``:

* a multiple-choice checkpoint, as it is;
* a sequence-classification checkpoint with one label, whose head (dense, tanh, projection on
  ``<s>``) is the multiple-choice head under other names;
* a PEFT adapter on either, merged into its base or beside it.

Only safetensors are read and no remote code is ever run. Weights that do not fit their model are
refused: a model is never served with a part of it left as it was drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig
from torch import Tensor
from transformers import (
    PreTrainedModel,
    XLMRobertaConfig,
    XLMRobertaForMultipleChoice,
    XLMRobertaForSequenceClassification,
)

from app.errors import StartError
from app.weights.adapter import keep_apart, merge
from app.weights.checkpoint import Checkpoint, adapter_weights, read_json, weight_files
from app.weights.files import readable
from app.weights.tensors import SAVED_FROM_WRAPPER, name_some, read_tensors

PutOnBase = Callable[[PreTrainedModel, PeftConfig, Mapping[str, Tensor], Path], Any]
"""Such as ``merge``."""

_HEAD_MODULES = ("pooler", "classifier")
_HEAD = tuple(f"{module}." for module in _HEAD_MODULES)
"""Parts of the multiple-choice head, which a pretrained encoder lacks."""

_OTHER_TASKS = ("lm_head.", "qa_outputs.", "embeddings.position_ids", *_HEAD)
"""What a checkpoint may hold and this service does without: heads of other tasks, and a buffer
that old releases of transformers wrote."""

_LONGEST_REASON = 300
"""Characters of a library's own words that an error repeats."""


@dataclass(frozen=True)
class Loaded:
    """A model, and the revision of the files that it was read from."""

    model: XLMRobertaForMultipleChoice
    revision: str


def load(checkpoint: Checkpoint, *, apart: bool = False) -> Loaded:
    """Load a model and name its revision, which is that of the weights in memory.

    Args:
        checkpoint: what to load.
        apart: whether an adapter's low-rank layers are kept beside those of its base.

    Raises:
        StartError: the files are not those of a model that this service can hold, or they were
            changed meanwhile.
    """
    before = checkpoint.state()
    loaded = Loaded(load_model(checkpoint, apart=apart), checkpoint.revision())
    if checkpoint.state() != before:
        raise StartError(
            f"the files of {checkpoint.source!r} changed while they were read; start again"
        )
    return loaded


def load_model(checkpoint: Checkpoint, *, apart: bool = False) -> XLMRobertaForMultipleChoice:
    """Load the transformers model of a checkpoint, in fp32, with its adapter merged.

    Args:
        checkpoint: what to load.
        apart: whether an adapter's low-rank layers are kept beside those of its base instead.

    Raises:
        StartError: the files are not those of a model that this service can hold.
    """
    return _loading(checkpoint, lambda: _load_model(checkpoint, keep_apart if apart else merge))


def load_encoder(checkpoint: Checkpoint) -> XLMRobertaForMultipleChoice:
    """Load a full checkpoint whose head may be missing or another task's; it is then drawn anew.

    Raises:
        StartError: the files are not those of a model that this service can hold.
    """
    return _loading(checkpoint, lambda: _read_model(checkpoint.full, False, _HEAD_MODULES))


def _loading(checkpoint: Checkpoint, load: Callable[[], Any]) -> Any:
    try:
        with readable(checkpoint.source):
            return load()
    except StartError:
        raise
    except Exception as error:  # transformers and PEFT raise of all kinds at a wrong value
        reason = " ".join(str(error).split()) or repr(error)
        raise StartError(
            f"cannot load {checkpoint.source!r}: {reason[:_LONGEST_REASON]}"
        ) from error


def max_tokens(config: XLMRobertaConfig) -> int:
    """Return how many tokens a row may have: XLM-R's first position is ``pad_token_id + 1``."""
    longest: int = config.max_position_embeddings - config.pad_token_id - 1
    return longest


def _load_model(checkpoint: Checkpoint, put: PutOnBase) -> XLMRobertaForMultipleChoice:
    if checkpoint.adapter is None:
        model = _read_model(checkpoint.full, _is_classifier(checkpoint.full))
        _check_label_count(model)
    else:
        model = _load_adapter(checkpoint.full, checkpoint.adapter, put)
    if isinstance(model, XLMRobertaForSequenceClassification):
        model = as_multiple_choice(model)
    return model.eval().requires_grad_(False)


def _is_classifier(directory: Path) -> bool:
    architectures: list[str] = read_json(directory / "config.json").get("architectures") or []
    return "XLMRobertaForSequenceClassification" in architectures


def _load_adapter(base: Path, adapter: Path, put: PutOnBase) -> Any:
    config = PeftConfig.from_pretrained(str(adapter))
    brought = tuple(getattr(config, "modules_to_save", None) or ())
    if config.task_type == "SEQ_CLS":
        # PEFT adds the head by itself; a base that nobody fine-tuned states two labels by default.
        model = _read_model(base, True, (*brought, "classifier"), num_labels=1)
    else:
        model = _read_model(base, False, brought)
    path = adapter_weights(adapter)
    return put(model, config, read_tensors([path]), path)


def _read_model(
    directory: Path, classifier: bool, brought: Sequence[str] = (), **changes: int
) -> XLMRobertaForMultipleChoice | XLMRobertaForSequenceClassification:
    """Read a full checkpoint; the modules that an adapter brings may be missing from it."""
    kind = XLMRobertaForSequenceClassification if classifier else XLMRobertaForMultipleChoice
    config = XLMRobertaConfig.from_pretrained(directory, **changes)
    _check_architecture(config)
    model, info = kind.from_pretrained(
        None,
        config=config,
        state_dict=read_tensors(weight_files(directory)),
        dtype=torch.float32,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # refused below, by name
    )
    missing = [key for key in info["missing_keys"] if not _is_under(key, brought)]
    mismatched = [each for each in info["mismatched_keys"] if not _is_under(each[0], brought)]
    _check_shapes(directory, mismatched)
    _check_names(directory, missing, info["unexpected_keys"])
    return model


def _is_under(key: str, modules: Sequence[str]) -> bool:
    """Whether a parameter belongs to one of the modules, named as PEFT names them."""
    return any(f".{module}." in f".{key}" for module in modules)


def _check_shapes(directory: Path, mismatched: Iterable[tuple[str, Any, Any]]) -> None:
    for name, found, wanted in sorted(mismatched):  # they come in no order
        raise StartError(
            f"{directory} holds {name} as {list(found)}, and its config.json needs {list(wanted)}"
        )


def _check_names(directory: Path, missing: Iterable[str], unexpected: Iterable[str]) -> None:
    """Refuse weights that transformers would draw at random, and those that it would leave out."""
    encoder = [key for key in missing if not _bare(key).startswith(_HEAD)]
    strange = [key for key in unexpected if not _bare(key).startswith(_OTHER_TASKS)]
    faults = [f"lacks {name_some(encoder)}"] if encoder else []
    faults += [f"holds {name_some(strange)}, which fit nowhere"] if strange else []
    if faults:
        raise StartError(
            f"{directory} {' and '.join(faults)}: its config.json describes another model, or "
            f"{SAVED_FROM_WRAPPER}"
        )
    if head := list(missing):
        raise StartError(
            f"{directory} lacks {name_some(head)}: it is not fine-tuned for "
            "multiple choice. Name a fine-tuned checkpoint, or an adapter that brings the head"
        )


def _bare(key: str) -> str:
    return key.removeprefix("roberta.")


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
