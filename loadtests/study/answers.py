"""The answers of both variants, from which cascades are computed, asked once and kept."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from app.engine.compute import set_up
from app.engine.prompt import Prompt
from app.settings import STILTS, Settings
from app.weights.variant import load_variants
from loadtests.study.errors import StudyError
from loadtests.study.pair import PAIR, checkpoints_of_pair, wanted
from loadtests.study.tokens import pair_tokenizer
from models.evaluation.ask import predictions as kept_predictions
from models.evaluation.ask.items import english, in_language
from models.evaluation.ask.local import LocalPredictor, opener
from models.evaluation.ask.predictions import AdvanceRun, Predictions, predict_all
from models.evaluation.ask.predictor import EvaluationError, Run
from models.evaluation.measure.languages import GROUPS, NINE
from models.intermediate.measured import READING, asked

FILE = "predictions.jsonl.xz"

REWORDED = f"{STILTS}, other words"
"""The name of the variant that is asked with another prompt than its own."""

VALIDATION, ENGLISH_TEST = english("val"), english("test")
NINE_TEST = tuple(in_language(language, "test", READING) for language in GROUPS[NINE])

_FULL, _SHORT = Prompt(), Prompt("because", "so")


def other_words(own: Prompt) -> Prompt:
    """Return another prompt than the one that a variant has learned."""
    return _FULL if own == _SHORT else _SHORT


def answers(
    settings: Settings, data: Path | None, most: int | None, folder: Path, advance: AdvanceRun
) -> Predictions:
    """Ask both variants, and ``stilts`` in other words; what a folder has is not asked again.

    Args:
        settings: name the variants.
        data: the data directory; None for the hub.
        most: items of each set.
        folder: keeps the answers.
        advance: is told of the progress.

    Raises:
        DataError: a set is missing or wrong.
        StartError: a variant cannot be loaded.
        StudyError: what is kept cannot be read.
    """
    path = folder / FILE
    if path.exists():
        try:
            return kept_predictions.load(path, _temperatures(settings))
        except EvaluationError as error:
            raise StudyError(f"{error}; remove the file, and it is made anew") from error
    found, _ = predict_all(_runs(settings), asked(data, most), advance)
    partial_path = path.with_name(f"partial-{FILE}")
    kept_predictions.save(found, partial_path)
    partial_path.replace(path)
    return found


def _runs(settings: Settings) -> list[Run]:
    load = opener(settings)
    own = [Run(name, partial(load, name, wanted(name, settings))) for name in PAIR]
    return [*own, Run(REWORDED, partial(_reworded, settings))]


def _reworded(settings: Settings) -> LocalPredictor:
    compute = set_up(settings.threads, settings.device, settings.precision, lanes=False)
    variant = load_variants({STILTS: wanted(STILTS, settings)}, settings.cache_dir, compute)[STILTS]
    own = variant.tokenizer.prompt
    tokenizer = pair_tokenizer(variant.checkpoint, other_words(own))
    return LocalPredictor(replace(variant, tokenizer=tokenizer))


def _temperatures(settings: Settings) -> dict[str, float]:
    pair = checkpoints_of_pair(settings)
    found = {name: checkpoint.config.temperature for name, checkpoint in pair.items()}
    return {**found, REWORDED: found[STILTS]}
