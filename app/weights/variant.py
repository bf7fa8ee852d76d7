"""A variant: one model of those that are served, from its source to logits.

Where engines have processes of their own, that of the service never imports torch: it starts
sooner, and is smaller.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from app.engine.engine import Engine
from app.engine.kernel_choice import Kernels
from app.engine.plan import in_process
from app.engine.pool import EnginePool
from app.engine.pool_engines import engines_of, stopping_on_failure
from app.engine.processes.messages import Order
from app.engine.prompt import Prompt
from app.engine.threads import choose_threads
from app.engine.tokenizer import PairTokenizer
from app.errors import wanted_by
from app.model_settings.names import variable_of
from app.model_settings.variant_settings import Shadow, VariantSettings
from app.settings import Settings
from app.weights.checkpoint import Checkpoint, locate
from app.weights.facts import AdapterState, Facts
from app.weights.files import readable
from app.weights.fitting import check_tokenizer
from app.weights.job import FACTORY, AdapterSetting, Job
from app.weights.shared_tokenizers import HeldTokenizer, SharedTokenizers

if TYPE_CHECKING:
    from app.engine.compute import Compute

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Variant:
    """One model, loaded: what turns texts into rows and rows into logits."""

    name: str
    source: str
    revision: str
    """Twelve hex digits that change with all that changes an answer; see ``revision``."""
    shape: str
    """Of the encoder; models of one shape take the same time."""
    parameters: int
    working_bytes: int
    """The most memory that its engine takes beside the weights, whatever it is asked."""
    tokenizer: PairTokenizer
    temperature: float
    """What its logits are divided by before the softmax."""
    engine: Engine
    kernels: Kernels
    machine: str
    """See ``Facts``."""
    device: str
    precision: str
    threads: int
    """Of one pass."""
    adapter: AdapterState
    checkpoint: Checkpoint
    """What it was read from."""
    vocabulary: HeldTokenizer
    """What its tokenizer is made of."""
    weight: int = 1
    """Its share of the engine beside other models; see ``VariantSettings``."""
    shadow: Shadow | None = None
    """Whose items it is asked as well."""


def load_models(settings: Settings) -> dict[str, Variant]:
    """Load the variants that the settings name, to compute as the settings say.

    Raises:
        StartError: one of them cannot be loaded, or the machine lacks what a setting asks for.
    """
    wanted = settings.variants
    if in_process(settings.engines):
        from app.engine.compute import set_up

        compute = set_up(
            settings.threads, settings.device, settings.precision, settings.linear_kernel
        )
        return load_variants(wanted, settings.cache_dir, compute, settings.adapters)
    threads = choose_threads(settings.threads)
    log.info("a forward pass uses %d threads, in engines: %s", threads.threads, threads.reason)
    return start_engines(settings, wanted, _locate(wanted, settings.cache_dir))


def start_engines(
    settings: Settings,
    wanted: Mapping[str, VariantSettings],
    checkpoints: Mapping[str, Checkpoint],
    held: Iterable[HeldTokenizer] = (),
    *,
    beside: bool = False,
) -> dict[str, Variant]:
    """Load variants into a template of their own, and start its engines.

    Args:
        settings: how they compute.
        wanted: what the settings say of each.
        checkpoints: the files of each.
        held: tokenizers that are in memory.
        beside: whether other models are served meanwhile.

    Raises:
        StartError: one of them cannot be loaded, or the machine lacks what a setting asks for.
    """
    threads = choose_threads(settings.threads)
    job = Job(
        checkpoints,
        settings.cache_dir,
        threads.threads,
        settings.device,
        settings.precision,
        settings.linear_kernel,
        settings.engines,
        settings.adapters,
    )
    level = logging.getLogger().getEffectiveLevel()
    pool = EnginePool(Order(FACTORY, job, level, beside))
    facts = cast("Mapping[str, Facts]", pool.start())
    engines = engines_of(pool, list(checkpoints))
    with stopping_on_failure(engines.values()):
        return _variants(wanted, checkpoints, engines, facts, held)


def load_variants(
    sources: Mapping[str, str | VariantSettings],
    cache_dir: Path,
    compute: Compute | None = None,
    adapters: AdapterSetting = "merged",
) -> dict[str, Variant]:
    """Load every variant into this process; equal tables and tokenizers are in memory once.

    Args:
        sources: by variant: what ``locate`` takes, or all that settings say of the variant.
        cache_dir: where the embedded base is kept, and what was measured of kernels.
        compute: how the forward passes run; fp32 on the CPU, in one lane, when not given.
        adapters: see ``hold_here``.

    Raises:
        StartError: a source is missing or is not a model that this service can hold; the message
            begins with the environment variable that names it.
    """
    from app.engine.compute import Compute
    from app.weights.held import hold_here

    wanted = {
        name: VariantSettings(each) if isinstance(each, str) else each
        for name, each in sources.items()
    }
    checkpoints = _locate(wanted, cache_dir)
    held = hold_here(checkpoints, cache_dir, compute or Compute(), adapters)
    engines = {name: each.made for name, each in held.items()}
    return _variants(
        wanted, checkpoints, engines, {name: each.facts for name, each in held.items()}
    )


def _locate(wanted: Mapping[str, VariantSettings], cache_dir: Path) -> dict[str, Checkpoint]:
    return {name: locate_variant(name, each, cache_dir) for name, each in wanted.items()}


def locate_variant(name: str, wanted: VariantSettings, cache_dir: Path) -> Checkpoint:
    """Find the files of a variant, to be asked as the settings say.

    Raises:
        StartError: what ``locate`` raises; the message begins with the setting.
    """
    setting = wanted.setting or variable_of(name)
    with wanted_by(setting):
        found = locate(wanted.source, cache_dir)
    prompt = None if wanted.prompt is None else Prompt(**wanted.prompt.model_dump())
    return replace(found, prompt=prompt, setting=setting)


def _variants(
    wanted: Mapping[str, VariantSettings],
    checkpoints: Mapping[str, Checkpoint],
    engines: Mapping[str, Engine],
    facts: Mapping[str, Facts],
    held: Iterable[HeldTokenizer] = (),
) -> dict[str, Variant]:
    tokenizers = SharedTokenizers(held)
    variants: dict[str, Variant] = {}
    for name, checkpoint in checkpoints.items():
        with wanted_by(checkpoint.setting), readable(checkpoint.source):
            made = _variant(name, checkpoint, facts[name], engines[name], tokenizers)
        variants[name] = replace(made, weight=wanted[name].weight, shadow=wanted[name].shadow)
        _log_loaded(variants[name])
    return variants


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
    vocabulary = tokenizers.load(checkpoint.tokenizer_file)
    check_tokenizer(vocabulary.tokenizer, facts, checkpoint.tokenizer_file, vocabulary.pieces)
    config = checkpoint.config
    return Variant(
        name=name,
        source=checkpoint.source,
        revision=facts.revision,
        shape=facts.shape,
        parameters=facts.parameters,
        working_bytes=facts.working_bytes,
        tokenizer=PairTokenizer(vocabulary.tokenizer, config.prompt, facts.max_tokens),
        temperature=config.temperature,
        engine=engine,
        kernels=facts.kernels,
        machine=facts.machine,
        device=facts.device,
        precision=facts.precision,
        threads=facts.threads,
        adapter=facts.adapter,
        checkpoint=checkpoint,
        vocabulary=vocabulary,
    )
