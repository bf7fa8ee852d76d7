"""NOTICE and the model cards name the sets that the shipped models were trained on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.settings import VARIANTS
from models.tasks.registry import TASKS
from models.training.recipe import load_recipe

ROOT = Path(__file__).resolve().parents[2]
NOTICE = (ROOT / "NOTICE").read_text(encoding="utf-8")
PAPERS = {
    "balanced-copa": "Balanced COPA",
    "copa": "COPA",
    "ecare": "e-CARE",
    "socialiqa": "Social IQA",
}


def trained_on(variant: str) -> set[str]:
    """The sets of a variant's recipe; Balanced COPA brings COPA's own items."""
    recipe = load_recipe(ROOT / "models" / "recipes" / f"{variant}.toml")
    tasks = {task.partition("/")[0] for phase in recipe.phases for task in phase.tasks}
    return tasks | ({"copa"} if "balanced-copa" in tasks else set())


def card(variant: str) -> tuple[dict[str, Any], str]:
    text = (ROOT / "models" / variant / "README.md").read_text(encoding="utf-8")
    _, front, body = text.split("---\n", 2)
    return yaml.safe_load(front), body


def licence_of(task: str) -> str:
    return re.sub(r"[-\s]", "", TASKS[task].licence.partition("(")[0]).lower()


@pytest.mark.parametrize("variant", VARIANTS)
def test_notice_and_card_name_every_set_with_its_licence(variant: str) -> None:
    _, body = card(variant)
    [row] = [line for line in body.splitlines() if line.startswith("| data |")]
    for task in trained_on(variant):
        name = PAPERS[task]
        section, *_ = re.findall(rf"(?m)^  {name}, (?:.+\n)+", NOTICE)
        assert f"models/{variant}" in section, f"NOTICE: {name} is used for {variant}"
        for text in (section, row):
            assert name in text
            assert licence_of(task) in re.sub(r"[-\s]", "", text).lower()


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_card_begins_with_what_the_hub_reads(variant: str) -> None:
    front, _ = card(variant)
    hub = {TASKS[task].hub[0].id for task in trained_on(variant)}
    assert set(front["datasets"]) == hub
    assert front["license"] == "apache-2.0"
    assert front["base_model"] == "intfloat/multilingual-e5-small"
    assert front["pipeline_tag"] == "multiple-choice"
    assert {"en", "qu", "zh"} <= set(front["language"])
