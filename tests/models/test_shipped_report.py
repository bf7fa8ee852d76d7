"""The committed figures are what the committed weights give."""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path

import pytest

from app.settings import VARIANTS
from app.weights.variant import load_variants
from app.weights.variant_config import VariantConfig
from models.compressed import COMPRESSED
from models.crossvalidation.outcome import figures
from models.evaluation.ask.items import collect, in_language
from models.evaluation.ask.local import LocalPredictor
from models.evaluation.ask.predictions import predict_all
from models.evaluation.ask.predictor import Run
from models.evaluation.measure.report import Report, load
from models.evaluation.show.files import recompute
from models.evaluation.show.markdown import card_table
from scripts.publish_evaluation import DIGESTS
from scripts.publish_folds import published_folds

MODELS = Path(__file__).resolve().parents[2] / "models"

LANGUAGES = ("en", "et", "th")
"""A seen script, another one, and English: all twelve take ten minutes."""

# A processor that rounds otherwise may turn the few items that are all but ties.
TOLERANCE = 0.006


@pytest.fixture(scope="module")
def committed() -> Report:
    return load(MODELS / "report.json")


@pytest.mark.slow
def test_evaluation_gives_the_committed_figures(
    committed: Report, embedded_base: Path, data: Path
) -> None:
    def predictor(name: str) -> LocalPredictor:
        sources = {name: str(MODELS / name)}
        return LocalPredictor(load_variants(sources, embedded_base.parent.parent)[name])

    source = committed.source
    assert source.split is not None
    item_sets = collect(data, source.split, source.questions)
    keys = {
        in_language(language, source.split, questions)
        for language in LANGUAGES
        for questions in source.questions
    }
    asked = {key: item_sets[key] for key in keys}
    runs = [Run(name, partial(predictor, name)) for name in VARIANTS]
    answered, revisions = predict_all(runs, asked, lambda run, items: None)
    assert revisions == {name: source.revisions[name] for name in VARIANTS}
    for questions, reading in committed.readings.items():
        figures = {each.language: each.accuracy for each in reading.languages}
        for language in LANGUAGES:
            key = in_language(language, source.split, questions)
            for name in VARIANTS:
                found = answered.of(name, key).right.mean()
                assert found == pytest.approx(figures[language][name].value, abs=TOLERANCE)


def test_the_committed_figures_are_of_the_test_items(committed: Report) -> None:
    assert committed.source.split == "test"
    assert set(committed.readings) == {"upstream", "repaired"}


def test_the_published_logits_give_the_committed_figures(committed: Report) -> None:
    assert recompute(MODELS, None) == committed


def test_the_digests_are_those_of_what_is_published() -> None:
    check = ["sha256sum", "--check", "--strict", DIGESTS]
    checked = subprocess.run(check, cwd=MODELS, check=True, capture_output=True, text=True)
    named = {line.partition(":")[0] for line in checked.stdout.splitlines()}
    assert named == {"report.json", *(path.name for path in MODELS.glob(f"*{COMPRESSED}"))}


@pytest.mark.parametrize("name", VARIANTS)
def test_the_temperature_is_that_of_answers_out_of_fold(name: str) -> None:
    fitted = {each.name: each.temperature for each in figures(published_folds()[name])}
    shipped = fitted.get("average/rank-32", fitted["seed-1"])
    assert VariantConfig.load(MODELS / name).temperature == pytest.approx(shipped, abs=0.006)


def test_both_variants_together_are_small() -> None:
    weights = [*MODELS.glob("direct/*"), *MODELS.glob("stilts/*")]
    assert sum(path.stat().st_size for path in weights) < 25_000_000


@pytest.mark.parametrize("name", VARIANTS)
def test_a_card_states_the_measured_figures(committed: Report, name: str) -> None:
    card = (MODELS / name / "README.md").read_text(encoding="utf-8")
    assert committed.source.revisions[name] in card
    assert card_table(committed, name) in card
