"""Loads a variant: from a directory or the hub, a checkpoint or an adapter, ready to serve.

Three kinds of source become one kind of model, ``XLMRobertaForMultipleChoice``:

* a multiple-choice checkpoint, as it is;
* a sequence-classification checkpoint with one label, whose head (dense, tanh, projection on
  ``<s>``) is the multiple-choice head under other names;
* a PEFT adapter on either, merged into its base.

Only safetensors are read and no remote code is ever run.
"""

from __future__ import annotations

import hashlib
import json
import logging
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from peft import PeftConfig, PeftModel
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import nn
from transformers import (
    PreTrainedModel,
    XLMRobertaConfig,
    XLMRobertaForMultipleChoice,
    XLMRobertaForSequenceClassification,
)

from app.engine.encoder import PackedEncoder
from app.engine.lanes import ONE_LANE, LanePlan, Lanes
from app.engine.prompt import Prompt
from app.engine.target import EXACT, Target
from app.engine.tokenizer import PairTokenizer
from app.errors import StartError
from app.weights.hub import resolve

log = logging.getLogger(__name__)

EMBEDDED_BASE = "embedded:multilingual-e5-small"
"""What an adapter names as its base when it sits on the base this service brings along."""

EmbeddedBase = Callable[[], Path]
"""Returns the directory of the embedded base, or raises ``StartError``."""

_LOAD_ERRORS = (
    *(OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError),
    SafetensorError,
)
"""What transformers, PEFT and safetensors raise at files that are not what they should be."""

_ADAPTER_CONFIG = "adapter_config.json"


@dataclass(frozen=True)
class Variant:
    """One model, loaded: what turns texts into rows and rows into logits."""

    name: str
    source: str
    revision: str
    """Twelve hex digits that change whenever the weights do."""
    parameters: int
    tokenizer: PairTokenizer
    engine: PackedEncoder | Lanes


@dataclass(frozen=True)
class Checkpoint:
    """The directories behind a source: an adapter, when it is one, and a full checkpoint."""

    full: Path
    adapter: Path | None

    @property
    def own(self) -> Path:
        return self.adapter or self.full


def load_variants(
    sources: Mapping[str, str],
    embedded_base: EmbeddedBase,
    target: Target = EXACT,
    plan: LanePlan = ONE_LANE,
) -> dict[str, Variant]:
    """Load every variant; equal embedding tables are kept in memory once.

    Args:
        sources: a hub id or a directory for each variant's name.
        embedded_base: returns the directory of the embedded base; called when an adapter
            names it.
        target: the device and the precision to compute in; see ``choose_target``.
        plan: how a CPU's threads share a batch.

    Raises:
        StartError: a source is missing or is not a model that this service can hold.
    """
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    tokenizers = _TokenizerCache()
    tables: list[nn.Embedding] = []
    variants: dict[str, Variant] = {}
    for name, source in sources.items():
        variants[name] = load_variant(name, source, embedded_base, target, plan, tokenizers, tables)
        log.info("loaded %s from %s, revision %s", name, source, variants[name].revision)
    return variants


def load_variant(
    name: str,
    source: str,
    embedded_base: EmbeddedBase,
    target: Target = EXACT,
    plan: LanePlan = ONE_LANE,
    tokenizers: _TokenizerCache | None = None,
    tables: list[nn.Embedding] | None = None,
) -> Variant:
    """Load one variant; see ``load_variants``.

    Args:
        name: the variant's.
        source: its hub id or directory.
        embedded_base, target, plan: see ``load_variants``.
        tokenizers: those that variants loaded before use.
        tables: embedding tables of variants loaded before; this one's is added if it is new.
    """
    wanted_by = f"XCOPA_MODELS__{name.upper()}"
    checkpoint = locate(source, embedded_base, wanted_by)
    model = load_model(checkpoint, source, wanted_by).to(target.device)
    share_embeddings(model, [] if tables is None else tables)
    max_tokens = model.config.max_position_embeddings - model.config.pad_token_id - 1
    tokenizer = (tokenizers or _TokenizerCache()).load(checkpoint, wanted_by)
    if tokenizer.get_vocab_size() > model.config.vocab_size:
        raise StartError(
            f"{wanted_by}: the tokenizer of {source!r} has {tokenizer.get_vocab_size()} pieces, "
            f"more than the {model.config.vocab_size} of its model"
        )
    return Variant(
        name=name,
        source=source,
        revision=_revision(checkpoint),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        tokenizer=PairTokenizer(tokenizer, Prompt.load(checkpoint.own), max_tokens),
        engine=_engine(PackedEncoder(model, target), target, plan),
    )


def _engine(encoder: PackedEncoder, target: Target, plan: LanePlan) -> PackedEncoder | Lanes:
    if target.device.type != "cpu" or plan.lanes == 1:
        return encoder
    return Lanes(encoder, plan)


def share_embeddings(model: PreTrainedModel, tables: list[nn.Embedding]) -> None:
    """Have the model use an embedding table that is already held, if one equals its own.

    Args:
        model: its input embeddings are replaced.
        tables: the tables held; the model's own is added when it equals none of them.
    """
    own = model.get_input_embeddings()
    for table in tables:
        if table.weight.shape == own.weight.shape and torch.equal(table.weight, own.weight):
            model.set_input_embeddings(table)
            return
    tables.append(own)


# Locating ------------------------------------------------------------------------------------


def locate(source: str, embedded_base: EmbeddedBase, wanted_by: str) -> Checkpoint:
    directory = resolve(source, wanted_by)
    if not (directory / _ADAPTER_CONFIG).exists():
        _check_checkpoint(directory, source, wanted_by)
        return Checkpoint(full=directory, adapter=None)
    base = _read_json(directory / _ADAPTER_CONFIG, wanted_by).get("base_model_name_or_path")
    if not base:
        raise StartError(f"{wanted_by}: {source}/{_ADAPTER_CONFIG} names no base model")
    if not list(directory.glob("adapter_model.safetensors")):
        raise StartError(
            f"{wanted_by}: {source!r} has no adapter_model.safetensors; other formats are not read"
        )
    if base == EMBEDDED_BASE:
        return Checkpoint(full=embedded_base(), adapter=directory)
    full = resolve(str(base), wanted_by)
    _check_checkpoint(full, str(base), wanted_by)
    return Checkpoint(full=full, adapter=directory)


def _check_checkpoint(directory: Path, source: str, wanted_by: str) -> None:
    if not (directory / "config.json").exists():
        raise StartError(f"{wanted_by}: {source!r} has no config.json, so it is no model")
    model_type = _read_json(directory / "config.json", wanted_by).get("model_type")
    if model_type != "xlm-roberta":
        raise StartError(f"{wanted_by}: {source!r} is a {model_type} model, not xlm-roberta")
    if not list(directory.glob("*.safetensors")):
        raise StartError(
            f"{wanted_by}: {source!r} has no safetensors weights; other formats are not read"
        )


def _read_json(path: Path, wanted_by: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StartError(f"{wanted_by}: {path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise StartError(f"{wanted_by}: {path} is not a JSON object")
    return content


# Loading -------------------------------------------------------------------------------------


def load_model(checkpoint: Checkpoint, source: str, wanted_by: str) -> XLMRobertaForMultipleChoice:
    """Load the transformers model of a checkpoint, with its adapter merged.

    Raises:
        StartError: the files are not those of a model that this service can hold.
    """
    try:
        return _load_model(checkpoint, wanted_by)
    except _LOAD_ERRORS as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise StartError(f"{wanted_by}: cannot load {source!r}: {reason}") from error


def _load_model(checkpoint: Checkpoint, wanted_by: str) -> XLMRobertaForMultipleChoice:
    if checkpoint.adapter is None:
        model, missing = _from_pretrained(checkpoint.full, _is_classifier(checkpoint.full))
        _check_label_count(model, wanted_by)
        _check_head(checkpoint.full, missing, wanted_by)
    else:
        model = _load_adapter(checkpoint.full, checkpoint.adapter, wanted_by)
    _check_architecture(model.config, wanted_by)
    if isinstance(model, XLMRobertaForSequenceClassification):
        model = as_multiple_choice(model)
    return model.eval().requires_grad_(False)


def _is_classifier(directory: Path) -> bool:
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    architectures: list[str] = config.get("architectures") or []
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


def _check_head(directory: Path, missing: Iterable[str], wanted_by: str) -> None:
    if missing := sorted(missing):
        raise StartError(
            f"{wanted_by}: {directory} lacks {', '.join(missing[:4])}: it is not fine-tuned for "
            "multiple choice. Name a fine-tuned checkpoint, or an adapter that brings the head"
        )


def _load_adapter(base: Path, adapter: Path, wanted_by: str) -> Any:
    config = PeftConfig.from_pretrained(str(adapter))
    if config.task_type == "SEQ_CLS":
        # The adapter brings the head; a base that nobody fine-tuned states two labels by default.
        model, missing = _from_pretrained(base, classifier=True, num_labels=1)
    else:
        model, missing = _from_pretrained(base, classifier=False)
    with warnings.catch_warnings():
        # PEFT reads an attribute that transformers has renamed; nothing here is affected.
        warnings.simplefilter("ignore", FutureWarning)
        adapted = PeftModel.from_pretrained(model, str(adapter), config=config)
    brought = _modules_to_save(config)
    _check_head(adapter, [key for key in missing if not _is_under(key, brought)], wanted_by)
    return adapted.merge_and_unload()


def _modules_to_save(config: PeftConfig) -> Sequence[str]:
    return getattr(config, "modules_to_save", None) or ()


def _is_under(key: str, modules: Sequence[str]) -> bool:
    """Whether a parameter belongs to one of the modules, named as PEFT names them."""
    return any(f".{module}." in f".{key}" for module in modules)


def _check_label_count(model: PreTrainedModel, wanted_by: str) -> None:
    if isinstance(model, XLMRobertaForSequenceClassification) and model.config.num_labels != 1:
        raise StartError(
            f"{wanted_by}: a sequence classifier needs one label, this one has "
            f"{model.config.num_labels}"
        )


def _check_architecture(config: XLMRobertaConfig, wanted_by: str) -> None:
    """Refuse what transformers computes differently from the packed encoder."""
    expected = {
        "is_decoder": False,
        "add_cross_attention": False,
        "position_embedding_type": "absolute",
    }
    for name, value in expected.items():
        if (found := getattr(config, name, value)) != value:
            raise StartError(f"{wanted_by}: {name} must be {value} in config.json, not {found}")
    if config.pad_token_id is None or config.num_hidden_layers < 1:
        raise StartError(f"{wanted_by}: config.json must state a pad_token_id, and layers")


def as_multiple_choice(
    classifier: XLMRobertaForSequenceClassification,
) -> XLMRobertaForMultipleChoice:
    """Seat the parts of a one-label classifier in a multiple-choice model, copying nothing.

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


def _revision(checkpoint: Checkpoint) -> str:
    """Hash the weights, and the settings that say how they are used, of every part."""
    digest = hashlib.sha256()
    for directory in filter(None, (checkpoint.full, checkpoint.adapter)):
        for path in sorted([*directory.glob("*.safetensors"), *directory.glob("*config.json")]):
            if path.name == "tokenizer_config.json":
                continue
            with path.open("rb") as handle:
                digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()[:12]


class _TokenizerCache:
    """Tokenizers by the digest of their file: two variants with equal pieces share one."""

    def __init__(self) -> None:
        self._by_digest: dict[bytes, Tokenizer] = {}

    def load(self, checkpoint: Checkpoint, wanted_by: str) -> Tokenizer:
        """Return the adapter's own tokenizer when it brings one, else its base's."""
        for directory in filter(None, (checkpoint.adapter, checkpoint.full)):
            if (path := directory / "tokenizer.json").exists():
                return self._from_file(path, wanted_by)
        raise StartError(
            f"{wanted_by}: {checkpoint.full} has no tokenizer.json; save one beside the weights "
            "with AutoTokenizer.from_pretrained(...).save_pretrained(...)"
        )

    def _from_file(self, path: Path, wanted_by: str) -> Tokenizer:
        digest = hashlib.sha256(path.read_bytes()).digest()
        if digest not in self._by_digest:
            try:
                self._by_digest[digest] = Tokenizer.from_file(str(path))
            except Exception as error:  # tokenizers raises nothing narrower
                raise StartError(f"{wanted_by}: {path} is not a tokenizer: {error}") from error
        return self._by_digest[digest]
