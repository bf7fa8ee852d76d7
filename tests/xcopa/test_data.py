"""``xcopa data`` says which sets are there and what each command lacks."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.tasks.reading.hub import HubSplit
from tests.models.tasks.test_local_sets import rows_of
from xcopa.main import app


def test_a_folder_without_sets_names_what_each_command_lacks(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["data", "check", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "xcopa evaluate: lacks copa, xcopa, balanced-copa" in result.stdout
    assert "xcopa train stilts.toml: lacks" in result.stdout


def test_a_folder_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["data", "check", "--data", str(tmp_path / "none")])
    assert result.exit_code == 1
    assert result.stderr.strip().endswith("is not a directory")


def test_a_hub_out_of_reach_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    result = CliRunner().invoke(app, ["data", "fetch", "--out", str(tmp_path)])
    assert result.exit_code == 1
    assert "cannot load" in result.stderr
    assert "\n" not in result.stderr.strip()


def test_what_was_fetched_is_enough_for_the_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HubSplit, "rows", rows_of)
    fetched = CliRunner().invoke(app, ["data", "fetch", "--out", str(tmp_path)])
    assert fetched.exit_code == 0
    assert f"{tmp_path / 'copa' / 'val.jsonl'}: 3 items" in fetched.stdout
    result = CliRunner().invoke(app, ["data", "check", "--data", str(tmp_path)])
    assert result.exit_code == 0
    assert "xcopa evaluate: has all its sets" in result.stdout
