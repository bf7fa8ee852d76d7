"""``xcopa evaluate`` prints and writes what it measures, or says in one line why it cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from models.evaluation.measure import report
from models.evaluation.show.numbers import interval
from tests.models.tasks.invented_causal import copa_item, write_measured
from xcopa.main import app


@pytest.fixture(scope="module")
def short_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_measured(tmp_path_factory.mktemp("data"), 12)


def run(*arguments: str, **environment: str) -> Result:
    """Run the command in this process, on a wide terminal."""
    settings = {"XCOPA_THREADS": "1", "XCOPA_LOG_LEVEL": "warning", "COLUMNS": "160"}
    settings |= {"XCOPA_DATA_DIR": "", **environment}
    return CliRunner().invoke(app, [*arguments], env=settings)


def refused(*arguments: str) -> str:
    """Return what the command says as it fails."""
    result = run("evaluate", *arguments)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.count("\n") == 1, "one line"
    assert result.stderr.startswith("xcopa cannot go on: ")
    return result.stderr


def test_the_models_of_the_settings_are_measured_printed_and_written(
    tiny_direct: Path, tiny_stilts: Path, short_data: Path, tmp_path: Path
) -> None:
    models = {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
    }
    options = ["--split", "val", "--questions", "repaired", "--out", str(tmp_path)]
    done = run("evaluate", "--data", str(short_data), *options, **models)
    assert done.exit_code == 0, done.stderr
    assert f"wrote {tmp_path}" in done.stdout
    measured = report.load(tmp_path / "report.json")
    assert measured.source.split == "val"
    [reading] = measured.readings.values()
    for each in reading.languages:
        for variant in ("direct", "stilts"):
            assert interval(each.accuracy[variant]) in done.stdout
    card = run("report", "card", str(tmp_path / "report.json"), "direct")
    page = run("report", "markdown", str(tmp_path / "report.json"))
    assert card.stdout.splitlines()[2].startswith("| English | ")
    assert page.stdout == (tmp_path / "report.md").read_text("utf-8")


@pytest.mark.slow
def test_who_reads_the_first_line_alone_gets_all_files(
    tiny_direct: Path, tiny_stilts: Path, tmp_path: Path
) -> None:
    """As ``xcopa evaluate --out e | head -1``: the screen goes away while tables are printed."""
    rows = tmp_path / "mine.jsonl"
    rows.write_text("".join(json.dumps(copa_item(n)) + "\n" for n in range(9)), encoding="utf-8")
    out = tmp_path / "e"
    command = [sys.executable, "-m", "xcopa", "evaluate", "--items", str(rows), "--out", str(out)]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        command,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={
            **os.environ,
            "XCOPA_THREADS": "1",
            "XCOPA_MODELS__DIRECT": str(tiny_direct),
            "XCOPA_MODELS__STILTS": str(tiny_stilts),
            # As in a shell of Jupyter or Colab; the module need not be there.
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        },
    )
    os.close(writing)
    assert "Traceback" not in done.stderr
    names = ["accuracy.png", "predictions.jsonl", "reliability.png", "report.json", "report.md"]
    assert sorted(path.name for path in out.iterdir()) == names
    # Nor is standard error a terminal.
    assert "stilts: 18 of 18 items" in done.stderr


def test_a_folder_that_may_not_be_written_is_told_before_the_work(
    short_data: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        assert "cannot be made" in refused("--data", str(short_data), "--out", str(out))


def test_a_data_directory_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    assert "copa" in refused("--data", str(tmp_path))


def test_a_service_that_is_none_is_one_clear_line(short_data: Path) -> None:
    said = refused("--data", str(short_data), "--against", "http://127.0.0.1:1")
    assert "http://127.0.0.1:1 cannot be reached" in said


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--seeds", "other=DIR"], "--seeds"),
        (["--split", "train"], "--split"),
        (["--questions", "all"], "--questions"),
        (["--against", "http://127.0.0.1:1", "--seeds", "direct=DIR"], "--against"),
    ],
)
def test_an_option_that_has_no_such_value_is_one_clear_line(
    short_data: Path, arguments: list[str], named: str
) -> None:
    assert named in refused("--data", str(short_data), *arguments)


def test_a_model_that_is_missing_is_one_clear_line(short_data: Path) -> None:
    missing = {"XCOPA_MODELS__DIRECT": "/not/here", "XCOPA_MODELS__STILTS": "/not/here"}
    result = run("evaluate", "--data", str(short_data), **missing)
    assert result.exit_code == 1
    lines = [line for line in result.stderr.splitlines() if line.startswith("xcopa cannot go on")]
    assert len(lines) == 1
    assert "XCOPA_MODELS__DIRECT" in lines[0]
    assert "Traceback" not in result.stderr
