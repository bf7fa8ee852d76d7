"""An invented study, small and whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from loadtests.study.answers import ENGLISH_TEST, NINE_TEST, REWORDED, VALIDATION
from loadtests.study.blocks import run_blocks
from loadtests.study.cascades import cascades
from loadtests.study.comparisons import ENGINE, SAME_ENGINE, SATURATED, of_cascade
from loadtests.study.findings import findings
from loadtests.study.one_time import OneTimeCost, Spread
from loadtests.study.pareto import costs, points
from loadtests.study.published import OwnAccuracy, standings
from loadtests.study.refusals import RefusalCost
from loadtests.study.report import CostReport, noise_of
from loadtests.study.setting import StudySetting
from loadtests.study.tokens import LanguageTokens, TokenCount
from loadtests.study.verdict import decide
from models.evaluation.ask.items import SetKey
from models.evaluation.ask.predictions import Predictions
from models.statistics import Estimate
from tests.loadtests.study.stand_in import machine

SETTING = StudySetting(
    quick=False,
    seed=7,
    seconds=4.0,
    slice_seconds=0.3,
    warm_up=1.0,
    margin=0.03,
    batch_tokens=512,
    items="invented items",
    revisions={"direct": "a" * 12, "stilts": "b" * 12},
    version="0.0",
    machine={
        "date": "2026-01-02",
        "processor": "A Processor",
        "cores": 2,
        "instructions": "AVX2",
        "torch": "9.9",
        "python": "3.99",
    },
)

OWN = OwnAccuracy(
    {"direct": Estimate(0.54, 0.52, 0.56), "stilts": Estimate(0.60, 0.58, 0.62)},
    Estimate(0.58, 0.56, 0.60),
    Estimate(0.06, 0.03, 0.09),
)

KEYS: tuple[SetKey, ...] = (VALIDATION, ENGLISH_TEST, *NINE_TEST)
ITEMS = 100


def predictions(seed: int = 0, skill: float = 1.0) -> Predictions:
    """Models whose confidence says how often they are right, each by luck of its own.

    Args:
        seed: of the luck.
        skill: how much of a logit is knowledge; at 0 all is luck.
    """
    chance = np.random.default_rng(seed)
    labels = np.arange(ITEMS) % 2
    towards = np.where(labels == 1, 1.0, -1.0)

    def logits() -> NDArray[np.float64]:
        apart = skill * towards + chance.normal(0, 2, ITEMS)
        return np.stack([np.zeros(ITEMS), apart], axis=1)

    runs = ("direct", "stilts", REWORDED)
    return Predictions(
        ids={key: np.arange(ITEMS) for key in KEYS},
        labels=dict.fromkeys(KEYS, labels),
        logits={run: {key: logits() for key in KEYS} for run in runs},
    )


def study(folder: Path, slower: dict[str, float] | None = None, **how: float) -> CostReport:
    """Return the report of a study on simulated time; see ``stand_in.machine``."""
    computed = cascades(predictions())
    compared = (SAME_ENGINE, ENGINE, SATURATED, of_cascade(computed[0].validation.threshold))
    run_block = machine(slower=slower, **how)  # type: ignore[arg-type]
    blocks = run_blocks(compared, 6, run_block, folder / "blocks.jsonl", lambda _: None)
    found = tuple(
        findings(each, [block for block in blocks if block.comparison == each.name])
        for each in compared
    )
    count = TokenCount(55.5, 90, 0)
    spread = Spread.of("processor seconds", 4000.0, 0.01, 0.03)
    return CostReport(
        setting=SETTING,
        minutes=12.0,
        verdict=decide(found, SETTING.margin),
        findings=found,
        noise=noise_of(blocks),
        tokens=(LanguageTokens("et", 500, {"direct": count, "stilts": count}),),
        refusal=RefusalCost(640, {"direct": 0.0011, "stilts": 0.0012}),
        one_time=OneTimeCost(("1-sets",), "A Processor", 9_000_000, 3500.0, 0.03, (spread,)),
        cascades=computed,
        items_for_cascades=None,
        accuracy=OWN,
        points=points(OWN.variants, costs(found, ENGINE.name), computed, costs(found, "cascade")),
        standings=standings(OWN, "embedded:small", None),
        missing={"intermediate sets": "not run"},
    )
