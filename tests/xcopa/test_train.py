"""``xcopa train`` says in one line what keeps it from beginning."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError
from typer.testing import CliRunner

from tests import tiny
from tests.models.training import data
from xcopa.main import app

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "tests" / "models" / "training" / "recipe.toml"


def said(recipe: Path, out: Path) -> str:
    result = CliRunner().invoke(app, ["train", str(recipe), "--out", str(out)])
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_a_recipe_that_is_missing_is_named(tmp_path: Path) -> None:
    assert "cannot read the recipe" in said(tmp_path / "none.toml", tmp_path / "out")


def test_a_base_that_is_missing_is_named_with_its_recipe(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    text = 'base = "/no/such/base"\n' + RECIPE.read_text(encoding="utf-8")
    recipe.write_text(text.replace('base = "embedded:multilingual-e5-small"\n', ""), "utf-8")
    assert f"{recipe}: base: '/no/such/base' is not a directory" in said(recipe, tmp_path / "out")


def small(folder: Path) -> tuple[Path, list[str]]:
    """Return a recipe of one short phase on a tiny base, and the options of its run."""
    tiny.headless(folder / "base")
    data.write(folder / "data")
    text = RECIPE.read_text(encoding="utf-8")
    for old, new in {
        '"embedded:multilingual-e5-small"': f'"{folder / "base"}"',
        '"balanced-copa"': '"copa"',
        '"bf16"': '"fp32"',
        "[1, 2, 3]": "[1]",
        "epochs = 5": "epochs = 1",
    }.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "small.toml").write_text(text, "utf-8")
    options = ["--data", str(folder / "data"), "--work", str(folder / "work")]
    return folder / "small.toml", [*options, "--out", str(folder / "out")]


def test_a_dry_run_says_the_plan_and_a_run_of_other_data_is_refused_until_it_is_forced(
    tmp_path: Path,
) -> None:
    recipe, options = small(tmp_path)
    command = ["train", str(recipe), *options]

    plan = CliRunner().invoke(app, [*command, "--dry-run"])
    assert plan.exit_code == 0, plan.output
    assert "seed-1/1-copa: copa (24); " in plan.stdout, plan.stdout
    assert plan.stdout.endswith("nothing was fetched, trained or written\n")
    assert not (tmp_path / "work").exists()

    assert CliRunner().invoke(app, command).stdout == f"wrote {tmp_path / 'out'}\n"
    rows = tmp_path / "data" / "copa" / "train.jsonl"
    rows.write_text("\n".join(rows.read_text("utf-8").splitlines()[:20]) + "\n", "utf-8")
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 1
    assert "other data (phases.0.copa/train was" in refused.stderr
    assert CliRunner().invoke(app, [*command, "--force"]).exit_code == 0


def test_a_dry_run_fetches_no_base_and_no_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(*_: object, **options: object) -> None:
        assert options.get("local_files_only"), "the hub is asked"
        raise LocalEntryNotFoundError("not here")

    monkeypatch.setattr("app.weights.hub.snapshot_download", fetch)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cached")
    monkeypatch.setenv("XCOPA_CACHE_DIR", str(tmp_path / "cache"))
    recipe = ROOT / "models" / "recipes" / "large-stilts.toml"
    command = ["train", str(recipe), "--work", str(tmp_path / "work"), "--dry-run"]
    plan = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "out")])
    assert plan.exit_code == 0, plan.output
    hub = "would be fetched from the Hugging Face hub"
    assert f"missing: FacebookAI/xlm-roberta-large {hub}\n" in plan.stdout
    assert f"missing: hellaswag {hub} (Rowan/hellaswag)\n" in plan.stdout
    assert "about 8,941.5 MB on each device: weights 2,235.4, " in plan.stdout
    assert plan.stdout.endswith("nothing was fetched, trained or written\n")
    assert list(tmp_path.iterdir()) == []


def test_an_adapter_is_no_base(tmp_path: Path) -> None:
    """Training would go on from what is below it, and leave out what it learnt."""
    recipe, _ = small(tmp_path)
    tiny.adapter(tmp_path / "adapter", tmp_path / "base")
    text = recipe.read_text("utf-8").replace(f"{tmp_path}/base", f"{tmp_path}/adapter")
    recipe.write_text(text, "utf-8")
    assert "is an adapter on" in said(recipe, tmp_path / "out")
