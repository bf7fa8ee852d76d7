"""``xcopa data`` says which sets are there and what each command lacks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

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


def test_the_sets_of_the_evaluation_are_enough(data: Path, tmp_path: Path) -> None:
    for name in ("copa", "xcopa", "balanced-copa"):
        shutil.copytree(data / name, tmp_path / name)
    result = CliRunner().invoke(app, ["data", "check", "--data", str(tmp_path)])
    assert result.exit_code == 0
    assert "xcopa evaluate: has its sets" in result.stdout
