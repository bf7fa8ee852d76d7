"""The page of the documentation is that of the report that is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from loadtests.study import pictures, report
from loadtests.study.page import NOT_MEASURED, written
from loadtests.study.publish import DOCS, cli, page_of
from tests.loadtests.study.made import SETTING, study


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    for name in ("results", "figures"):
        (tmp_path / "docs" / name).mkdir(parents=True)
    return tmp_path / "docs"


def publish(docs: Path, *arguments: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments), "--docs", str(docs)])


def test_the_page_is_current() -> None:
    """``python -m loadtests.study.publish`` makes it so."""
    assert (DOCS / "study.md").read_text("utf-8") == page_of(DOCS)


def test_a_study_is_put_where_the_documentation_has_it(docs: Path, tmp_path: Path) -> None:
    made = study(tmp_path)
    report.write(made, tmp_path / report.FILE)
    assert publish(docs, tmp_path).exit_code == 0
    assert (docs / "study.md").read_text("utf-8") == written(made) == page_of(docs)
    assert report.load(docs / "results" / report.FILE) == made
    assert (docs / "figures" / pictures.EFFECTS).exists()
    (docs / "study.md").write_text("old", "utf-8")
    assert publish(docs).exit_code == 0
    assert (docs / "study.md").read_text("utf-8") == written(made)


def test_a_quick_run_is_not_published(docs: Path, tmp_path: Path) -> None:
    quick = replace(study(tmp_path), setting=replace(SETTING, quick=True))
    report.write(quick, tmp_path / report.FILE)
    result = publish(docs, tmp_path)
    assert result.exit_code == 1
    assert "quick run is no result" in result.stderr
    assert page_of(docs) == NOT_MEASURED


def test_a_folder_without_a_study_is_one_clear_line(docs: Path, tmp_path: Path) -> None:
    result = publish(docs, tmp_path)
    assert result.exit_code == 1
    assert "study.json cannot be read" in result.stderr
