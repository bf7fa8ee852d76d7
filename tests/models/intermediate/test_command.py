"""The command: a quick study from its options to its page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from models.intermediate import report
from models.intermediate.command import TEMPLATE, Wanted, cli, template_of, write_page
from tests import tiny
from tests.models.intermediate.made import study_report
from tests.models.intermediate.small import write_data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a base, data, a text, and the template that ships on that base."""
    made = tmp_path_factory.mktemp("command")
    base = tiny.headless(made / "base")
    write_data(made / "data")
    text, shipped = TEMPLATE.read_text("utf-8"), "embedded:multilingual-e5-small"
    assert shipped in text
    (made / "template.toml").write_text(text.replace(shipped, str(base)), "utf-8")
    return made


def call(folder: Path, *options: str, only: str = "none,mnli,mnli+text") -> Result:
    arguments = [
        *("--data", str(folder / "data"), "--work", str(folder / "work")),
        *("--recipe", str(folder / "template.toml"), "--text", str(folder / "data" / "text.txt")),
        *("--only", only, *options),
    ]
    environment = {"XCOPA_CACHE_DIR": str(folder / "cache"), "XCOPA_THREADS": "1"}
    return CliRunner().invoke(cli, arguments, env=environment)


@pytest.mark.slow
def test_a_quick_study_ends_with_a_page(folder: Path) -> None:
    outcome = call(folder, "--quick")
    assert outcome.exit_code == 0, outcome.output
    results = folder / "work" / "quick"
    found = report.load(results / "intermediate.json")
    assert [each.name for each in found.conditions] == ["none", "mnli", "mnli+text"]
    assert [each.steps for each in found.conditions] == [0, 2, 2]
    assert found.setting.text == "text.txt"
    assert "piqa" in found.missing
    page = (results / "intermediate.md").read_text("utf-8")
    assert "![accuracy by condition](intermediate.png)" in page
    assert (results / "intermediate.png").read_bytes().startswith(b"\x89PNG")
    assert str(folder) not in page.replace(f"`{folder / 'base'}`", "")


def test_a_dry_run_counts_and_writes_nothing(folder: Path, tmp_path: Path) -> None:
    outcome = call(folder, "--quick", "--dry-run", "--work", str(tmp_path), only="none,mnli")
    assert outcome.exit_code == 0, outcome.output
    none, mnli, total, *missing = outcome.stdout.splitlines()
    assert none.startswith("none: 0 intermediate and ")
    counts = [int(word.replace(",", "")) for line in (none, mnli) for word in line.split()[1:5:3]]
    assert total == f"2 conditions: {sum(counts):,} tokens"
    assert "missing: logiqa2: logiqa2/train.txt does not exist; name the data directory" in str(
        missing
    )
    assert list(tmp_path.iterdir()) == []


def test_a_condition_that_is_none_ends_the_command_with_a_line(folder: Path) -> None:
    outcome = call(folder, only="nonsense")
    assert outcome.exit_code == 1
    assert outcome.stderr.startswith(
        "the study cannot go on: there is no condition 'nonsense'; there are none, socialiqa, "
    )


def test_a_budget_of_its_own_replaces_the_recipes() -> None:
    wanted = Wanted(None, Path(), Path(), TEMPLATE, steps=9)
    assert template_of(wanted).phases[0].steps == 9


def test_the_page_is_made_from_the_json_alone(tmp_path: Path) -> None:
    report.write(study_report(), tmp_path / "intermediate.json")
    write_page(tmp_path)
    before = (tmp_path / "intermediate.md").read_text("utf-8")
    content = json.loads((tmp_path / "intermediate.json").read_text("utf-8"))
    content["setting"]["base"] = "another base"
    (tmp_path / "intermediate.json").write_text(json.dumps(content), "utf-8")
    outcome = CliRunner().invoke(cli, ["--page", "--results", str(tmp_path)])
    assert outcome.exit_code == 0, outcome.output
    after = (tmp_path / "intermediate.md").read_text("utf-8")
    assert after == before.replace("`a base`", "`another base`") != before
