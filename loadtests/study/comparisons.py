"""What is compared, and the question that each comparison answers."""

from __future__ import annotations

from app.engine.prompt import Prompt
from app.settings import DIRECT, STILTS
from loadtests.bench.closed_load import CALLERS
from loadtests.study.side import Comparison, Side

FULL = Prompt()
BARE = Prompt("", "", "cause-first")

_VARIANTS = "What does intermediate training cost when the model answers?"


def _variants(name: str, **how: object) -> Comparison:
    direct, stilts = (Side(variant, variant, **how) for variant in (DIRECT, STILTS))  # type: ignore[arg-type]
    return Comparison(name, _VARIANTS, direct, stilts)


SAME = Comparison(
    "A/A",
    "Does the study find a difference where there is none?",
    Side(STILTS, STILTS),
    Side(f"{STILTS} again", STILTS),
)

ALL = (
    SAME,
    _variants("variants, engine, 1 item", batch_items=1),
    _variants("variants, engine, 16 items"),
    _variants("variants, engine, 64 items", batch_items=64),
    _variants("variants, HTTP, 1 caller", how="http", batch_items=1),
    _variants("variants, HTTP, saturated", how="http", batch_items=CALLERS),
    Comparison(
        "prompt",
        "What do the words of the prompt cost?",
        Side("full question", STILTS, prompt=FULL),
        Side("no words", STILTS, prompt=BARE),
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
        Side("merged", STILTS, how="transformers"),
        Side("apart", STILTS, how="transformers with its adapter apart"),
    ),
    Comparison(
        "language",
        "What does a language with more tokens an item cost?",
        Side("Estonian", STILTS, languages=("et",)),
        Side("Tamil", STILTS, languages=("ta",)),
    ),
    Comparison(
        "size",
        "What does XLM-R base's shape cost, beside the embedded one?",
        Side("embedded", STILTS, batch_items=4),
        Side("base", "base", batch_items=4),
    ),
)
"""In the order in which they run; the first shows whether the rest may be believed."""
