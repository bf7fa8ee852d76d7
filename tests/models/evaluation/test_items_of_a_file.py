"""``xcopa evaluate --items``: any file in COPA's or XCOPA's format is measured as the sets are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from models.evaluation.ask.file_items import collect_file
from models.evaluation.ask.predictor import EvaluationError
from models.evaluation.command import Options
from models.evaluation.measure import report
from models.evaluation.measure.report import Report, ReportSource, build
from models.evaluation.show.console import print_report
from models.evaluation.show.files import recompute, write
from models.evaluation.show.markdown import card_table, to_markdown
from models.statistics import holm, wilson
from tests.models.evaluation.stand_ins import predicted
from tests.models.tasks.invented_causal import copa_item
from xcopa.main import app


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return path


def in_language(language: str, count: int) -> list[dict[str, Any]]:
    """Return rows with COPA's words changed a little, as a translation changes them."""
    rows = [
        {**copa_item(n), "idx": n, "changed": False, "language": language} for n in range(count)
    ]
    for row in rows:
        row["premise"] += f" ({language})"
    return rows


def measured(path: Path) -> Report:
    item_sets = collect_file(path)
    source = ReportSource(None, ("upstream",), "nobody", {"direct": "a", "stilts": "b"}, path.name)
    return build(source, predicted(item_sets, ["direct", "stilts"]))


def test_rows_without_a_language_are_one_set_with_the_name_of_the_file(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "mine.jsonl", map(copa_item, range(40)))
    found = measured(path)
    [own] = found.readings["upstream"].languages
    assert (own.language, own.items) == ("mine", 40)
    right = round(own.accuracy["direct"].value * 40)
    assert own.accuracy["direct"] == wilson(right, 40)
    assert own.difference.value == pytest.approx(
        own.accuracy["stilts"].value - own.accuracy["direct"].value
    )
    assert not found.readings["upstream"].means


def test_rows_with_a_language_make_a_set_for_each_and_a_mean(tmp_path: Path) -> None:
    rows = [*in_language("et", 30), *in_language("a|b", 30)]
    found = measured(write_rows(tmp_path / "mine.jsonl", rows)).readings["upstream"]
    assert [each.language for each in found.languages] == ["et", "a|b"]
    assert [each.p_holm for each in found.languages] == holm([e.p for e in found.languages])
    [mean] = found.means
    assert (mean.items, mean.languages) == (30, ("et", "a|b"))
    assert mean.accuracy["stilts"].value == pytest.approx(
        np.mean([each.accuracy["stilts"].value for each in found.languages])
    )
    assert found.calibration["all"]["direct"].items == 60


def test_languages_of_other_items_have_no_mean_of_translations(tmp_path: Path) -> None:
    rows = [*in_language("et", 30), *in_language("th", 20)]
    found = measured(write_rows(tmp_path / "mine.jsonl", rows)).readings["upstream"]
    assert [each.items for each in found.languages] == [30, 20]
    assert not found.means
    assert found.calibration["all"]["direct"].items == 50


def test_the_report_is_printed_written_and_computed_again(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "mine.jsonl", [*in_language("et", 20), *in_language("a|b", 20)])
    item_sets, found = collect_file(path), measured(path)
    console = Console(file=StringIO(), width=200)
    print_report(found, console)
    assert isinstance(console.file, StringIO)
    printed = console.file.getvalue()
    assert printed.startswith("items of mine.jsonl, answered by nobody")
    assert "Estonian" in printed
    assert "Twins" not in printed
    page = to_markdown(found)
    assert page.startswith("# Evaluation\n\nItems of `mine.jsonl`, answered by nobody")
    assert "| a\\|b | 20 |" in page
    assert card_table(found, "direct").count("\n") == 2 + 2 + 1
    out = tmp_path / "out"
    out.mkdir()
    write(found, predicted(item_sets, ["direct", "stilts"]), out)
    assert report.load(out / "report.json") == found
    assert recompute(out, None) == found
    assert {each.suffix for each in out.iterdir()} == {".json", ".jsonl", ".md", ".png"}


def test_the_command_measures_both_models_on_the_file(
    tiny_direct: Path, tiny_stilts: Path, tmp_path: Path
) -> None:
    path = write_rows(tmp_path / "mine.jsonl", map(copa_item, range(20)))
    out = tmp_path / "out"
    done = CliRunner().invoke(
        app,
        ["evaluate", "--items", str(path), "--out", str(out)],
        env={
            "XCOPA_MODELS__DIRECT": str(tiny_direct),
            "XCOPA_MODELS__STILTS": str(tiny_stilts),
            "XCOPA_THREADS": "1",
        },
    )
    assert done.exit_code == 0, done.output
    [own] = report.load(out / "report.json").readings["upstream"].languages
    assert (own.language, own.items) == ("mine", 20)
    assert done.stdout.startswith("items of mine.jsonl, answered by models loaded for it")


def test_seeds_do_not_go_with_a_file(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="--items"):
        Options.parse(None, "test", "both", ["direct=DIR"], None, tmp_path / "mine.jsonl")
