"""A report survives its file, and says the same in every form."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from matplotlib.image import imread
from rich.console import Console

from models.evaluation.ask.predictor import EvaluationError
from models.evaluation.measure.languages import NAMES
from models.evaluation.measure.report import Report, load, save
from models.evaluation.show import plots
from models.evaluation.show.console import print_report
from models.evaluation.show.markdown import card_table, to_markdown
from models.evaluation.show.numbers import interval, p_value
from models.evaluation.show.tables import tables
from models.statistics import Estimate


def test_a_report_is_the_same_after_its_file(report: Report, tmp_path: Path) -> None:
    save(report, tmp_path / "report.json")
    assert load(tmp_path / "report.json") == report


def test_a_file_that_is_no_report_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    with pytest.raises(EvaluationError, match=r"report\.json cannot be read"):
        load(path)
    path.write_text("{}", "utf-8")
    with pytest.raises(EvaluationError, match=r"report\.json is not a report"):
        load(path)


def test_every_cell_is_in_the_markdown_and_on_the_console(report: Report) -> None:
    page = to_markdown(report)
    console = Console(file=io.StringIO(), width=200)
    print_report(report, console)
    assert isinstance(console.file, io.StringIO)
    printed = console.file.getvalue()
    for table in tables(report):
        assert f"## {table.title}\n" in page
        assert table.title in printed
        for row in table.rows:
            assert len(row.cells) == len(table.columns)
            assert " | ".join(row.cells[1:]) in page
            assert all(cell in printed for cell in row.cells)


def test_a_card_has_a_line_a_language_and_a_mean(report: Report) -> None:
    lines = card_table(report, "stilts").splitlines()
    assert lines[0] == "| language | questions as published | questions repaired |"
    assert len(lines) == 2 + 12 + 3
    thai = [reading.languages[8].accuracy["stilts"] for reading in report.readings.values()]
    assert lines[2 + 8] == f"| Thai | {interval(thai[0])} | {interval(thai[1])} |"
    nine = report.readings["repaired"].means[0].accuracy["stilts"]
    assert lines[14].startswith("| **mean of the nine")
    assert lines[14].endswith(f"| {interval(nine)} |")


def test_seeds_are_a_table_of_their_own(report: Report) -> None:
    titles = [table.title for table in tables(report)]
    assert "Several seeds, accuracy in %, questions repaired" in titles


def test_figures_are_drawn(report: Report, tmp_path: Path) -> None:
    paths = plots.draw(report, tmp_path)
    assert [path.name for path in paths] == ["accuracy.png", "reliability.png"]
    for path in paths:
        height, width, _ = imread(path).shape
        assert height > 400
        assert width > height


def test_the_accuracy_figure_names_what_it_shows(report: Report) -> None:
    first, second = plots.accuracy(report).axes
    assert [first.get_title(), second.get_title()] == [
        "questions as published",
        "questions repaired",
    ]
    labels = [label.get_text() for label in first.get_yticklabels()]
    assert labels[:12] == list(NAMES.values())
    legend = first.get_legend()
    assert legend is not None
    assert {text.get_text() for text in legend.get_texts()} == {"chance", "direct", "stilts"}


@pytest.mark.parametrize(
    ("p", "written"), [(None, "-"), (0.5, "0.5000"), (1 / 10_001, "0.0001"), (1e-9, "<0.0001")]
)
def test_a_p_value_is_never_written_as_zero(p: float | None, written: str) -> None:
    assert p_value(p) == written


def test_a_difference_has_its_sign() -> None:
    assert interval(Estimate(0.012, -0.005, 0.03), sign="+") == "+1.2 [-0.5, +3.0]"
    assert interval(None) == "-"
