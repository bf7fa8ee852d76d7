"""What the README shows is what the shipped models answer and what the report says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.engine.tokenizer import CausalItem
from app.serving.answer import softmax
from app.settings import SHIPPED_MODELS
from app.weights.variant import load_variants
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
    assert list(softmax(logits)) == pytest.approx(shown["probabilities"], abs=1e-3)
    assert shown["label"] == logits.index(max(logits))
    assert variant.revision == shown["revision"]


def test_every_command_that_is_named_exists() -> None:
    named = set(re.findall(r"`?xcopa (serve|base|[a-z]+(?: [a-z]+)?)", README))
    for command in sorted(named & {"data check", "data fetch", "evaluate", "train", "serve"}):
        assert CliRunner().invoke(app, [*command.split(), "--help"]).exit_code == 0, command
    assert {"data check", "data fetch"} <= named
