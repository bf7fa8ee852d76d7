"""What is published can be computed again by whoever has it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from models.evaluation.ask.items import ItemSets, collect
from models.evaluation.measure.report import Report, ReportSource, build, load
from models.evaluation.show.files import recompute, write
from models.evaluation.show.markdown import card_table, markdown_table
from models.evaluation.show.tables import tables
from scripts.publish_evaluation import DIGESTS, publish, replace_card_table, replace_tables
from tests.models.evaluation.stand_ins import predicted
from tests.models.tasks.invented_causal import write_measured


@pytest.fixture(scope="module")
def item_sets(tmp_path_factory: pytest.TempPathFactory) -> ItemSets:
    data = write_measured(tmp_path_factory.mktemp("data"), items=12)
    return collect(data, "test", ("upstream",))


@pytest.fixture(scope="module")
def evaluation(item_sets: ItemSets, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    runs = ["direct", "stilts", "direct/seed-1", "stilts/seed-1"]
    source = ReportSource("test", ("upstream",), "nobody", dict.fromkeys(runs, "0" * 12))
    answers = predicted(item_sets, runs)
    write(build(source, answers), answers, folder)
    return folder


def test_the_published_report_is_what_its_logits_give(evaluation: Path, tmp_path: Path) -> None:
    published = publish(evaluation, tmp_path)
    assert load(tmp_path / "report.json") == published
    assert recompute(tmp_path, None) == published
    before = load(evaluation / "report.json")
    assert published.seeds == before.seeds, "fewer digits turn no answer"
    check = ["sha256sum", "--check", "--strict", DIGESTS]
    subprocess.run(check, cwd=tmp_path, check=True, capture_output=True)


def test_a_page_gets_the_tables_that_it_has_headings_for(evaluation: Path) -> None:
    report = load(evaluation / "report.json")
    first, second = tables(report)[0], tables(report)[2]
    page = (
        f"# Page\n\n### {first.title}\n\nOld note.\n\n| old |\n|---|\n| 1 |\n\nProse stays.\n\n"
        f"### {second.title}\n\nOld.\n\n| old |\n|---|\n| 2 |\n"
    )
    made = replace_tables(page, tables(report))
    for table in (first, second):
        own = f"{table.note}\n\n{markdown_table(table.columns, table.rows)}"
        assert f"### {table.title}\n\n{own}" in made
    assert "old" not in made.lower()
    assert "\n\nProse stays.\n\n" in made
    assert replace_tables(made, tables(report)) == made


def test_a_card_gets_its_table(evaluation: Path) -> None:
    report: Report = load(evaluation / "report.json")
    heading = card_table(report, "stilts").partition("\n")[0]
    card = f"# Card\n\n{heading}\n|---|---|\n| English | 1.0 |\n\nProse stays.\n"
    made = replace_card_table(card, report, "stilts")
    assert made == f"# Card\n\n{card_table(report, 'stilts')}\nProse stays.\n"
    assert replace_card_table(made, report, "stilts") == made
