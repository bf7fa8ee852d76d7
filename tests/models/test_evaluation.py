"""``xcopa evaluate``: its figures are those of counting, and its table and file agree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.engine.model import Variant, load_variants
from models.evaluation import AVERAGE, ENGLISH, evaluate
from models.statistics import wilson
from models.tasks import xcopa
from models.tasks.example import Example


@pytest.fixture(scope="module")
def variants(tiny_direct: Path, tiny_stilts: Path) -> dict[str, Variant]:
    sources = {"direct": str(tiny_direct), "stilts": str(tiny_stilts)}
    return load_variants(sources, embedded_base=Path)


@pytest.fixture(scope="module")
def short_data(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty items of each language, cut from the real files for this run alone."""
    folder = tmp_path_factory.mktemp("data")
    for path in [*data.glob("copa/test.jsonl"), *data.glob("xcopa/*/test.*.jsonl")]:
        target = folder / path.relative_to(data)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("\n".join(path.read_text("utf-8").splitlines()[:40]), "utf-8")
    return folder


def count_right(variant: Variant, examples: list[Example]) -> int:
    right = 0
    for example in examples:
        [rows] = variant.tokenizer.encode([example.item])
        assert isinstance(rows, tuple)
        logits = variant.engine.logits(rows)
        right += logits.index(max(logits)) == example.label
    return right


@pytest.mark.parametrize("questions", ["upstream", "repaired"])
def test_accuracy_is_the_share_of_right_answers(
    variants: dict[str, Variant], short_data: Path, questions: xcopa.Questions
) -> None:
    report = evaluate(variants, short_data, "test", [questions])
    assert [row.language for row in report.rows] == [ENGLISH, *xcopa.LANGUAGES, AVERAGE]
    [thai] = [row for row in report.rows if row.language == "th"]
    examples = xcopa.load(short_data, "th", "test", questions)
    for name, variant in variants.items():
        assert thai.accuracy[name] == wilson(count_right(variant, examples), 40)
    average = report.rows[-1]
    for name in variants:
        mean = sum(row.accuracy[name].value for row in report.rows[1:-1]) / 11
        assert average.accuracy[name].value == pytest.approx(mean)
    assert average.difference is not None
    gap = average.accuracy["stilts"].value - average.accuracy["direct"].value
    assert average.difference.value == pytest.approx(gap)


def test_the_command_prints_both_readings_and_writes_the_same_figures(
    tiny_direct: Path, tiny_stilts: Path, short_data: Path, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
        "COLUMNS": "160",
    }
    out = tmp_path / "figures.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "app.cli", "evaluate"),
            *("--data", str(short_data), "--out", str(out)),
        ],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    report: dict[str, Any] = json.loads(out.read_text("utf-8"))
    assert {row["questions"] for row in report["rows"]} == {"upstream", "repaired"}
    assert len(report["rows"]) == 2 * 13
    for row in report["rows"]:
        low, high = row["accuracy"]["direct"]["low"], row["accuracy"]["direct"]["high"]
        figure = (
            f"{100 * row['accuracy']['direct']['value']:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
        )
        assert figure in done.stdout
    assert "questions = repaired" in done.stdout


def test_a_data_directory_that_is_none_is_one_clear_line(tmp_path: Path, tiny_direct: Path) -> None:
    source = str(tiny_direct)
    environment = {**os.environ, "XCOPA_MODELS__DIRECT": source, "XCOPA_MODELS__STILTS": source}
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "evaluate", "--data", str(tmp_path)],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "copa" in done.stderr
    assert "Traceback" not in done.stderr
