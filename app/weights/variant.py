"""A variant: one model of those that are served, from its source to logits."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import PreTrainedModel, XLMRobertaForMultipleChoice

from app.engine.compute import Compute, set_up
from app.engine.encoder import PackedEncoder
from app.engine.engine import Engine
from app.engine.kernel_record import KernelRecord
from app.engine.kernels import Kernels, choose_kernels
from app.engine.lanes import Lanes
from app.engine.memory import working_bytes
from app.engine.processor import name_processor
from app.engine.prompt import Prompt
from app.engine.tokenizer import PairTokenizer
from app.errors import StartError, wanted_by
from app.process import quiet_transformers
from app.settings import Settings
from app.weights.checkpoint import Checkpoint, locate
from app.weights.files import readable, refuse_lfs_pointer
from app.weights.fitting import check_tokenizer
from app.weights.loading import load, max_tokens

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Variant:
    """One model, loaded: what turns texts into rows and rows into logits."""

    name: str
    source: str
    revision: str
    """Twelve hex digits that change whenever the weights do."""
    parameters: int
    working_bytes: int
    """The most memory that its engine takes beside the weights, whatever it is asked."""
    tokenizer: PairTokenizer
    engine: Engine
    kernels: Kernels


def load_models(settings: Settings) -> dict[str, Variant]:
    """Load the variants that the settings name, to compute as the settings say.

    Raises:
        StartError: one of them cannot be loaded, or the machine lacks what a setting asks for.
    """
    compute = set_up(settings.threads, settings.device, settings.precision, settings.linear_kernel)
    return load_variants(settings.models.model_dump(), settings.cache_dir, compute)


def load_variants(
    sources: Mapping[str, str], cache_dir: Path, compute: Compute | None = None
) -> dict[str, Variant]:
    """Load every variant; equal embedding tables and tokenizers are kept in memory once.

    Args:
        sources: by variant, what ``locate`` takes.
        cache_dir: where the embedded base is kept, and what was measured of kernels.
        compute: how the forward passes run; fp32 on the CPU, in one lane, when not given.

    Raises:
        StartError: a source is missing or is not a model that this service can hold; the message
            begins with the environment variable that names it.
    """
    quiet_transformers()
    compute = compute or Compute()
    record = KernelRecord(_machine(compute), cache_dir)
    shared = SharedParts()
    variants: dict[str, Variant] = {}
    for name, source in sources.items():
        with wanted_by(f"XCOPA_MODELS__{name.upper()}"):
            checkpoint = locate(source, cache_dir)
            with readable(source):
                variants[name] = _load_variant(name, checkpoint, compute, shared, record)
        _log_loaded(variants[name])
    return variants


class SharedParts:
    """What several variants use and memory holds once: tokenizers, and embedding tables."""

    def __init__(self) -> None:
        self._tokenizers: dict[bytes, Tokenizer] = {}
        self._tables: list[nn.Embedding] = []

    def tokenizer(self, path: Path) -> Tokenizer:
        """Load a ``tokenizer.json``, unless one with the same bytes is held.

        Raises:
            StartError: the file is not a tokenizer.
            OSError: it cannot be read.
        """
        refuse_lfs_pointer(path)
        content = path.read_bytes()
        digest = hashlib.sha256(content).digest()
        if digest not in self._tokenizers:
            try:
                self._tokenizers[digest] = Tokenizer.from_buffer(content)
            except Exception as error:  # tokenizers raises nothing narrower
                raise StartError(f"{path} is not a tokenizer: {error}") from error
        return self._tokenizers[digest]

    def share_embeddings(self, model: PreTrainedModel) -> None:
        """Have the model use a word embedding table that is held, if one equals its own."""
        own = model.get_input_embeddings()
        for table in self._tables:
            if table.weight.shape == own.weight.shape and torch.equal(table.weight, own.weight):
                model.set_input_embeddings(table)
                return
        self._tables.append(own)


def _log_loaded(variant: Variant) -> None:
    log.info("loaded %s from %s, revision %s", variant.name, variant.source, variant.revision)
    log.info(
        "%s reads %d tokens a row and, whatever it is asked, takes at most %.0f MB more memory",
        variant.name,
        variant.tokenizer.max_tokens,
        variant.working_bytes / 1e6,
    )


def _load_variant(
    name: str, checkpoint: Checkpoint, compute: Compute, shared: SharedParts, record: KernelRecord
) -> Variant:
    loaded = load(checkpoint)
    model = loaded.model.to(compute.target.device)
    shared.share_embeddings(model)
    tokenizer = shared.tokenizer(checkpoint.tokenizer_file)
    check_tokenizer(tokenizer, model.config, checkpoint.tokenizer_file)
    longest = max_tokens(model.config)
    kernels = choose_kernels(model.config, compute.target, compute.plan, compute.kernel, record)
    return Variant(
        name=name,
        source=checkpoint.source,
        revision=loaded.revision,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        working_bytes=_lanes(compute) * working_bytes(model.config, compute.target, longest),
        tokenizer=PairTokenizer(tokenizer, Prompt.load(checkpoint.own), longest),
        engine=_engine(model, compute, kernels),
        kernels=kernels,
    )


def _engine(model: XLMRobertaForMultipleChoice, compute: Compute, kernels: Kernels) -> Engine:
    encoder = PackedEncoder(model, compute.target, kernels)
    return encoder if _lanes(compute) == 1 else Lanes(encoder, compute.plan)


def _lanes(compute: Compute) -> int:
    return compute.plan.lanes if compute.target.device.type == "cpu" else 1


def _machine(compute: Compute) -> str:
    """Name all that the speed of a kernel depends on, beside the shape of its layer."""
    plan = compute.plan
    return (
        f"{name_processor()}; torch {torch.__version__}; {compute.target.precision}; "
        f"{plan.lanes} lanes of {plan.threads_a_lane} threads"
    )
