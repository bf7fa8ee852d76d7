"""The committed figures are what the committed weights give."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.engine.model import load_variants
from models.evaluation import evaluate

MODELS = Path(__file__).resolve().parents[2] / "models"
COMMITTED = json.loads((MODELS / "figures.json").read_text(encoding="utf-8"))

# A processor that rounds otherwise may turn the few items that are all but ties.
TOLERANCE = 0.006


@pytest.mark.slow
def test_evaluation_gives_the_committed_figures(embedded_base: Path, data: Path) -> None:
    sources = {name: str(MODELS / name) for name in ("direct", "stilts")}
    variants = load_variants(sources, lambda: embedded_base)
    assert {name: variant.revision for name, variant in variants.items()} == COMMITTED["revisions"]
    report = evaluate(variants, data, "test", ["upstream", "repaired"])
    for row, committed in zip(report.rows, COMMITTED["rows"], strict=True):
        assert (row.questions, row.language) == (committed["questions"], committed["language"])
        for name, estimate in row.accuracy.items():
            expected = committed["accuracy"][name]["value"]
            assert estimate.value == pytest.approx(expected, abs=TOLERANCE)


def test_both_variants_together_are_small() -> None:
    weights = [*MODELS.glob("direct/*"), *MODELS.glob("stilts/*")]
    assert sum(path.stat().st_size for path in weights) < 25_000_000


@pytest.mark.parametrize("name", ["direct", "stilts"])
def test_a_card_states_the_measured_figures(name: str) -> None:
    card = (MODELS / name / "README.md").read_text(encoding="utf-8")
    assert COMMITTED["revisions"][name] in card
    for row in COMMITTED["rows"]:
        assert f"{100 * row['accuracy'][name]['value']:.1f}" in card
