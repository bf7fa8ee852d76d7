"""``xcopa predict`` with a model that is loaded in this process: which one, and what is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from app.engine.tokenizer import CausalItem
from app.settings import Settings
from app.weights.variant import load_variants
from models.prediction.command import FilePrediction
from tests.sample import sample_items
from xcopa.predict_here import run_here


@pytest.fixture
def settings(tiny_direct: Path, tiny_stilts: Path) -> Settings:
    models = {"direct": str(tiny_direct), "stilts": str(tiny_stilts)}
    return Settings.model_validate({"models": models, "threads": 1})


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return path


@pytest.mark.parametrize("name", ["direct", "stilts"])
def test_the_model_that_is_named_answers_as_its_engine_does(
    name: str, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = sample_items()[:6]
    out = tmp_path / "out"
    run_here(FilePrediction(write(tmp_path / "rows.jsonl", items), out), settings, name)
    found = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    source = settings.models.model_dump()[name]
    variant = load_variants({name: source}, settings.cache_dir)[name]
    for own, item in zip(found, items, strict=True):
        [rows] = variant.tokenizer.encode([CausalItem(**item)])
        assert isinstance(rows, tuple)
        assert own["logits"] == pytest.approx(variant.engine.logits(rows), abs=1e-4)
        assert (own["model"], own["revision"]) == (name, variant.revision)
    assert capsys.readouterr().err == "6 of 6 rows answered\n"


def test_a_text_that_the_model_cannot_read_fails_alone_and_the_status_says_so(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{**item, "label": 0} for item in sample_items()[:3]]
    rows[1]["premise"] = "word " * 400
    out = tmp_path / "out"
    with pytest.raises(typer.Exit) as ended:
        run_here(FilePrediction(write(tmp_path / "rows.jsonl", rows), out), settings, "direct")
    assert ended.value.exit_code == 1
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert ["error" in line for line in lines] == [False, True, False]
    assert "premise: is too long" in lines[1]["error"]["detail"]
    right = sum(line.get("label") == 0 for line in lines)
    assert capsys.readouterr().err.splitlines() == [
        "2 of 3 rows answered",
        f"accuracy {50 * right:.1f} %: {right} of 2 labelled rows",
        "1 rows failed; the error is in their output line",
    ]


def test_a_model_that_cannot_be_loaded_is_one_line_and_no_row_is_lost(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "rows.jsonl", sample_items()[:1])
    out = tmp_path / "out"
    out.write_bytes(b"")
    missing = Settings.model_validate({"models": {"direct": str(tmp_path / "no")}, "threads": 1})
    with pytest.raises(typer.Exit) as ended:
        run_here(FilePrediction(path, out), missing, "direct")
    assert ended.value.exit_code == 1
    [line] = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "no") in line
    run_here(FilePrediction(path, out), settings, "direct")
    assert len(out.read_bytes().splitlines()) == 1
