"""``xcopa report`` makes tables of the report that is shipped."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from app.model_settings.sources import SHIPPED_MODELS
from xcopa.main import app

REPORT = str(SHIPPED_MODELS / "report.json")


def test_a_report_becomes_markdown() -> None:
    result = CliRunner().invoke(app, ["report", "markdown", REPORT])
    assert result.exit_code == 0
    assert "| English" in result.stdout


def test_a_card_names_the_variants_when_there_is_no_such_one() -> None:
    result = CliRunner().invoke(app, ["report", "card", REPORT, "tilted"])
    assert result.exit_code == 1
    assert "there is no variant tilted, only direct and stilts" in result.stderr


def test_a_file_that_is_no_report_is_one_clear_line(tmp_path: Path) -> None:
    for command in (["markdown", str(tmp_path / "none.json")], ["recompute", str(tmp_path)]):
        result = CliRunner().invoke(app, ["report", *command])
        assert result.exit_code == 1
        assert result.stderr.startswith("xcopa cannot go on: ")
