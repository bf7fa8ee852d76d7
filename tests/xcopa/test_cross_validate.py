"""``xcopa cross-validate`` writes figures and logits; what is wrong is one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests import tiny
from tests.models.tasks.invented_causal import balanced_xml, copa_item
from tests.models.tasks.writing import write
from xcopa.main import app

RECIPE = """
name = "tiny"
base = "{base}"
seeds = [1]
precision = "fp32"
dropout = 0
warmup_ratio = 0
weight_decay = 0

[prompt]
cause = ""
effect = ""
order = "cause-first"

[tuning]
method = "lora"
rank = 2
alpha = 4

[[phases]]
tasks = ["{task}"]
learning_rate = 1e-3
epochs = 1
batch_tokens = 200
max_items = 8
evaluations = 1
keep = "last"
"""


def run(folder: Path, task: str) -> Result:
    base = tiny.headless(folder / "base")
    rows = [
        {**copa_item(number, mirror), "id": number + 1000 * mirror}
        for mirror in (False, True)
        for number in range(1, 501)
    ]
    write({"balanced-copa/balacopa-dev-all.xml": balanced_xml(rows)}, folder / "data")
    recipe = folder / "tiny.toml"
    recipe.write_text(RECIPE.format(base=base, task=task), "utf-8")
    places = ["--data", folder / "data", "--work", folder / "work", "--out", folder / "out"]
    settings = {
        "XCOPA_THREADS": "1",
        "XCOPA_LINEAR_KERNEL": "torch",
        "XCOPA_LOG_LEVEL": "warning",
        "XCOPA_CACHE_DIR": str(folder / "cache"),
        "COLUMNS": "160",
    }
    command = ["cross-validate", str(recipe), *map(str, places)]
    return CliRunner().invoke(app, command, env=settings)


def test_it_prints_and_writes_what_the_folds_came_to(tmp_path: Path) -> None:
    result = run(tmp_path, "balanced-copa/all")
    assert result.exit_code == 0, result.output
    assert "mean of the seeds" in result.stdout
    assert result.stdout.endswith(f"wrote {tmp_path / 'out'}\n")
    figures = json.loads((tmp_path / "out" / "cross-validation.json").read_text("utf-8"))
    assert [each["name"] for each in figures["models"]] == ["seed-1", "seed-1/last"]
    assert figures["recipe"]["prompt"]["order"] == "cause-first"
    assert 0 <= figures["mean_of_seeds"]["value"] <= 1
    lines = (tmp_path / "out" / "predictions.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == 1000
    assert set(json.loads(lines[0])) == {"id", "label", "logits"}
    assert not list((tmp_path / "work").glob("asked-*")), "models are asked and go"


@pytest.mark.parametrize("task", ["balanced-copa", "ecare"])
def test_a_recipe_without_folds_is_one_clear_line(tmp_path: Path, task: str) -> None:
    result = run(tmp_path, task)
    assert result.exit_code == 1
    assert 'a cross-validation needs ["balanced-copa/all"]' in result.stderr
    assert result.stderr.count("\n") == 1
