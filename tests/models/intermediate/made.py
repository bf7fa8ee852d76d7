"""Outcomes of invented conditions: as many right answers as a test asks for."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.evaluation.ask.items import MIRRORS, SetKey, english, in_language
from models.evaluation.ask.predictions import Predictions
from models.evaluation.measure.languages import GROUPS, NINE
from models.intermediate import report
from models.intermediate.condition_recipe import TEXT_SHARE
from models.intermediate.conditions import NONE, Condition
from models.intermediate.contrasts import contrasts
from models.intermediate.figures import ConditionOutcome, condition_figures
from models.intermediate.kept import DoneCondition, PhaseTaken
from models.intermediate.measured import READING
from models.intermediate.sets import SetPart

TEST = range(501, 601)
VAL = range(401, 441)
KEYS = {
    english("test"): TEST,
    **{in_language(language, "test", READING): TEST for language in GROUPS[NINE]},
    english("val"): VAL,
    MIRRORS: [number + 1000 for number in VAL],
}


def logits(labels: NDArray[np.int64], right: int) -> NDArray[np.float64]:
    """Have the first so many answered right, and the others wrong."""
    chosen = np.where(np.arange(len(labels)) < right, labels, 1 - labels)
    return np.eye(2)[chosen]


def predictions(name: str, shares: dict[str, float], seeds: int = 3) -> Predictions:
    """Answer the share of items that is given by kind of set; seed n has n items more."""
    labels = {key: np.array([number % 2 for number in numbers]) for key, numbers in KEYS.items()}

    def right(key: SetKey, seed: int) -> int:
        return round(shares[key.task] * len(labels[key])) + seed

    return Predictions(
        ids={key: np.array(numbers) for key, numbers in KEYS.items()},
        labels=labels,
        logits={
            f"{name}/seed-{seed}": {key: logits(labels[key], right(key, seed)) for key in KEYS}
            for seed in range(1, seeds + 1)
        },
    )


def outcome(name: str, share: float, sets: tuple[str, ...] | None = None) -> ConditionOutcome:
    """Answer a share of all items with each seed."""
    kinds: dict[str, float] = {key.task: share for key in KEYS}
    own = (() if name == NONE else (name,)) if sets is None else sets
    phases = [PhaseTaken("2-copa" if own else "1-copa", seed, 10, 100, 2.0, 4.0) for seed in (1, 2)]
    if own:
        phases.insert(0, PhaseTaken(f"1-{name}", 1, 5, 1000, 20.0, 40.0))
    done = DoneCondition(Condition(name, own), "digest", tuple(phases))
    return done, predictions(name, kinds)


SHARES = {
    NONE: 0.5,
    "commonsenseqa": 0.55,
    "hellaswag": 0.8,
    "cosmosqa": 0.55,
    "mnli": 0.8,
    "squad2": 0.8,
    "all": 0.85,
    "all+text": 0.3,
}


@cache
def outcomes() -> tuple[ConditionOutcome, ...]:
    """Return every condition that a claim speaks of."""
    return tuple(outcome(name, share) for name, share in SHARES.items())


@cache
def study_report() -> report.StudyReport:
    """Return the report of the outcomes."""
    found = outcomes()
    phase = report.PhaseSetting(125, None, 2000, 6e-4)
    target = report.PhaseSetting(None, 3, 1000, 3e-4)
    setting = report.Setting(
        "a base", (1, 2, 3), phase, target, "a text", TEXT_SHARE, "A Processor"
    )
    sets = {
        "mnli": SetPart("MultiNLI", "mnli/dev_matched.jsonl", "the development part", 8832, "OANC"),
        "ecare": SetPart("e-CARE", "ecare/train.jsonl", "the training part", 14928, "MIT"),
    }
    return report.StudyReport(
        setting, sets, {"logiqa2": "no file"}, condition_figures(found), contrasts(found)
    )
