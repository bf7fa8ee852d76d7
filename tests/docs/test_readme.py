"""What the README shows is what the shipped models answer and what the report says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.engine.tokenizer import CausalItem
from app.model_settings.sources import SHIPPED_MODELS
from app.serving.answer import softmax
from app.settings import VARIANTS
from app.weights.variant import load_variants
from models.evaluation.measure.report import load
from models.evaluation.show.numbers import interval
from models.statistics import Estimate
from xcopa.main import app

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_is_answered_as_printed(embedded_base: Path) -> None:
    [body] = re.findall(r"-d '(\{.*?\})'", README)
    [printed] = re.findall(r"^\{\"label\".*\}$", README, flags=re.MULTILINE)
    asked, shown = json.loads(body), json.loads(printed)
    source = {shown["model"]: str(SHIPPED_MODELS / shown["model"])}
    variant = load_variants(source, embedded_base.parent.parent)[shown["model"]]
    [rows] = variant.tokenizer.encode([CausalItem(**asked)])
    assert isinstance(rows, tuple)
    logits = variant.engine.logits(rows)
    assert logits == pytest.approx(shown["logits"], abs=1e-3)
    probabilities = list(softmax(logits, variant.temperature))
    assert probabilities == pytest.approx(shown["probabilities"], abs=1e-3)
    assert shown["label"] == logits.index(max(logits))
    assert variant.revision == shown["revision"]


def test_every_command_that_is_named_exists() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    spans = re.findall(r"`(xcopa [^`]+)`", re.sub(r"```.*?```", "", README, flags=re.DOTALL))
    lines = [line for text in (*blocks, *spans) for line in text.splitlines()]
    named = [line.split()[1:] for line in lines if line.startswith("xcopa ")]
    assert ["data", "check"] in [words[:2] for words in named]
    for words in named:
        if words[:2] == ["is", "ready:"] or words == ["is", "ready"]:  # what the service prints
            continue
        command = words[:2] if words[0] in ("data", "report") else words[:1]
        found = CliRunner().invoke(app, [*command, "--help"])
        assert found.exit_code == 0, f"xcopa {' '.join(command)}"


def cells(
    accuracy: Mapping[str, Estimate | None], difference: Estimate | None
) -> tuple[str, str, str]:
    direct, stilts = (interval(accuracy[variant]) for variant in VARIANTS)
    return direct, stilts, interval(difference, "+")


def test_the_accuracy_table_is_the_reports() -> None:
    report = load(SHIPPED_MODELS / "report.json")
    reading = report.readings["upstream"]
    [english] = [each for each in reading.languages if each.language == "en"]
    [nine] = [each for each in reading.means if each.group == "nine"]
    expected = [cells(each.accuracy, each.difference) for each in (english, nine)]
    for group in ("en", "nine"):
        [seeds] = [s for s in report.seeds if (s.questions, s.group) == ("upstream", group)]
        means = {variant: each.both for variant, each in seeds.variants.items()}
        expected.append(cells(means, seeds.difference_of_both))
    table = re.findall(r"(?m)^\| .* \| (.*\]) \| (.*\]) \| (.*\]) \|$", README)
    assert table == expected
