"""What is compared, and the question that each comparison answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app.engine.prompt import Prompt
from app.settings import DIRECT, STILTS
from loadtests.bench.closed_load import CALLERS
from loadtests.study.side import Comparison, Side

FULL = Prompt()
BARE = Prompt("", "", "cause-first")

BATCH = 16
"""Items of a batch where nothing else is said."""

_SHAPE_BATCH = 4
"""Of the larger shapes, so that a block has several batches."""

_VARIANTS = "What does intermediate training cost when the model answers?"
_SAME = "Does the study find a difference where there is none?"


def _variants(name: str, **how: Any) -> Comparison:
    direct, stilts = (Side(variant, variant, **how) for variant in (DIRECT, STILTS))
    return Comparison(f"variants, {name}", _VARIANTS, direct, stilts)


def _same(name: str, side: Side) -> Comparison:
    return Comparison(f"A/A, {name}", _SAME, side, replace(side, name=f"{side.name} again"))


SAME_ENGINE = _same("engine", Side(STILTS, STILTS))
SAME_HTTP = _same("HTTP", Side(STILTS, STILTS, how="http", batch_items=CALLERS))

ENGINE = _variants(f"engine, {BATCH} items", batch_items=BATCH)
SATURATED = _variants("HTTP, saturated", how="http", batch_items=CALLERS)
"""Who asks for what a prediction costs asks for this."""

QUICK = (SAME_ENGINE, ENGINE, SATURATED)
"""What a quick run has time for."""

FULL_RUN = (
    SAME_ENGINE,
    SAME_HTTP,
    ENGINE,
    SATURATED,
    _variants("HTTP, 1 caller", how="http", batch_items=1),
    _variants("engine, 1 item", batch_items=1),
    _variants("engine, 64 items", batch_items=64),
    _variants("bf16", precision="bf16"),
    _variants("no words in the prompt", prompt=BARE),
    _variants("Tamil alone", languages=("ta",)),
    _variants("adapter apart", how="engine with its adapter apart"),
    Comparison(
        "prompt",
        "What do the words of the prompt cost?",
        Side("no words", STILTS, prompt=BARE),
        Side("full question", STILTS, prompt=FULL),
    ),
    Comparison(
        "precision",
        "What does bf16 gain?",
        Side("fp32", STILTS),
        Side("bf16", STILTS, precision="bf16"),
    ),
    Comparison(
        "adapter",
        "What does an adapter cost that is kept apart?",
        Side("merged", STILTS),
        Side("apart", STILTS, how="engine with its adapter apart"),
    ),
    Comparison(
        "language",
        "What does a language with more tokens an item cost?",
        Side("Estonian", STILTS, languages=("et",)),
        Side("Tamil", STILTS, languages=("ta",)),
    ),
)
"""In the order in which they run; the first ones show whether the rest may be believed."""

SHAPES = ("base", "large")
"""Of the published XLM-R, with random weights: they cost what trained ones do."""


def of_shape(shape: str) -> Comparison:
    """Compare a larger shape, with random weights, with the model that is served."""
    return Comparison(
        f"shape of XLM-R {shape}",
        f"What does the shape of XLM-R {shape} cost? Its weights are random.",
        Side("as served", STILTS, batch_items=_SHAPE_BATCH),
        Side(f"XLM-R {shape}, random weights", shape, batch_items=_SHAPE_BATCH),
    )


CASCADE = "cascade"


def of_cascade(threshold: float) -> Comparison:
    """Compare a cascade with the one model that is asked in its place."""
    return Comparison(
        CASCADE,
        f"What does it cost to ask {STILTS} where {DIRECT} is unsure?",
        Side(STILTS, STILTS),
        Side(f"{DIRECT}, then {STILTS}", DIRECT, how="cascade", second=STILTS, threshold=threshold),
    )


def planned(quick: bool, shapes: Sequence[str], threshold: float | None) -> tuple[Comparison, ...]:
    """Return the comparisons of a study.

    Args:
        quick: only those that show whether the two variants cost the same.
        shapes: of ``SHAPES``, to be compared as well.
        threshold: of a cascade that is to be run, if one is.
    """
    cascade = () if threshold is None or quick else (of_cascade(threshold),)
    return (*(QUICK if quick else FULL_RUN), *cascade, *map(of_shape, shapes))
