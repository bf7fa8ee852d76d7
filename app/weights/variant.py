"""A variant: one model of those that are served, from its source to logits."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from app.engine.compute import Compute, set_up
from app.engine.engine import Engine
from app.engine.pool import stopping_on_failure
from app.engine.prompt import Prompt
from app.engine.tokenizer import PairTokenizer
from app.errors import StartError, wanted_by
from app.process import quiet_transformers
from app.settings import Settings
from app.weights.checkpoint import Checkpoint, locate
from app.weights.files import readable, refuse_lfs_pointer
from app.weights.fitting import check_tokenizer
from app.weights.held import Facts, run_engines, variable_of
from app.weights.loading import max_tokens

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


def load_models(settings: Settings) -> dict[str, Variant]:
    """Load the variants that the settings name, to compute as the settings say.

    Raises:
        StartError: one of them cannot be loaded, or the machine lacks what a setting asks for.
    """
    compute = set_up(
        settings.threads, settings.device, settings.precision, engines=settings.engines
    )
    return load_variants(settings.models.model_dump(), settings.cache_dir, compute)


def load_variants(
    sources: Mapping[str, str], cache_dir: Path, compute: Compute | None = None
) -> dict[str, Variant]:
    """Load every variant; equal embedding tables and tokenizers are kept in memory once.

    Args:
        sources: by variant, what ``locate`` takes.
        cache_dir: where the embedded base is kept.
        compute: how the forward passes run; fp32 on the CPU, in one lane, when not given.

    Raises:
        StartError: a source is missing or is not a model that this service can hold; the message
            begins with the environment variable that names it.
    """
    quiet_transformers()
    checkpoints: dict[str, Checkpoint] = {}
    for name, source in sources.items():
        with wanted_by(variable_of(name)):
            checkpoints[name] = locate(source, cache_dir)
    engines, facts = run_engines(checkpoints, compute or Compute())
    tokenizers = SharedTokenizers()
    variants: dict[str, Variant] = {}
    with stopping_on_failure(engines.values()):
        for name, checkpoint in checkpoints.items():
            with wanted_by(variable_of(name)), readable(checkpoint.source):
                variants[name] = _variant(name, checkpoint, facts[name], engines[name], tokenizers)
            _log_loaded(variants[name])
    return variants


class SharedTokenizers:
    """The tokenizers that several variants use and memory holds once."""

    def __init__(self) -> None:
        self._tokenizers: dict[bytes, Tokenizer] = {}

    def load(self, path: Path) -> Tokenizer:
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


def _log_loaded(variant: Variant) -> None:
    log.info("loaded %s from %s, revision %s", variant.name, variant.source, variant.revision)
    log.info(
        "%s reads %d tokens a row and, whatever it is asked, takes at most %.0f MB more memory",
        variant.name,
        variant.tokenizer.max_tokens,
        variant.working_bytes / 1e6,
    )


def _variant(
    name: str, checkpoint: Checkpoint, facts: Facts, engine: Engine, tokenizers: SharedTokenizers
) -> Variant:
    tokenizer = tokenizers.load(checkpoint.tokenizer_file)
    check_tokenizer(tokenizer, facts.config, checkpoint.tokenizer_file)
    prompt, longest = Prompt.load(checkpoint.own), max_tokens(facts.config)
    return Variant(
        name=name,
        source=checkpoint.source,
        revision=facts.revision,
        parameters=facts.parameters,
        working_bytes=facts.working_bytes,
        tokenizer=PairTokenizer(tokenizer, prompt, longest),
        engine=engine,
    )
