"""What an evaluation leaves is whole: the old until the new is, whatever fails on the way."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from models.evaluation.ask import predictions
from models.evaluation.ask.items import ItemSets
from models.evaluation.ask.predictions import Predictions
from models.evaluation.ask.predictor import EvaluationError
from models.evaluation.measure import report as reports
from models.evaluation.measure.report import Report, ReportSource
from models.evaluation.show import files, plots
from tests.models.evaluation.stand_ins import predicted

WRITTEN = {"accuracy.png", "predictions.jsonl", "reliability.png", "report.json", "report.md"}


@pytest.fixture(scope="module")
def answers(item_sets: ItemSets, source: ReportSource) -> Predictions:
    return predicted(item_sets, source.revisions)


@pytest.fixture(autouse=True)
def _small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "DOTS_PER_INCH", 20)


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_files_of_the_user_stay_and_nothing_else_is_left(
    report: Report, answers: Predictions, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    files.write(report, answers, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*WRITTEN, "notes.txt"}


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (reports, "save"),
        (files, "to_markdown"),
        (predictions, "save"),
        (plots, "draw"),
        (files, "flush"),
    ],
)
def test_a_full_disk_leaves_the_good_evaluation_as_it_was(
    report: Report,
    answers: Predictions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    name: str,
) -> None:
    for file in WRITTEN:
        (tmp_path / file).write_text(f"the old {file}", encoding="utf-8")
    before = bytes_of(tmp_path)
    monkeypatch.setattr(module, name, full)
    with pytest.raises(EvaluationError, match="cannot be written: No space left on device"):
        files.write(report, answers, tmp_path)
    assert bytes_of(tmp_path) == before


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes, as ``ulimit -f`` does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.slow
@pytest.mark.parametrize("stopped", sorted(WRITTEN))
def test_a_limit_on_the_size_of_files_leaves_the_good_evaluation_as_it_was(
    report: Report, answers: Predictions, tmp_path: Path, stopped: str
) -> None:
    """The real thing: the system itself refuses to write on, within each of the files."""
    out, other = tmp_path / "out", tmp_path / "other"
    for folder in (out, other):
        folder.mkdir()
        files.write(report, answers, folder)
    before = bytes_of(out)
    size = (other / stopped).stat().st_size
    with largest_file(size - 1), pytest.raises(EvaluationError, match="File too large"):
        files.write(report, answers, out)
    assert bytes_of(out) == before


def test_all_is_on_the_disk_before_the_first_file_takes_its_place(
    report: Report, answers: Predictions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, set[str]]] = []
    monkeypatch.setattr(
        files,
        "flush",
        lambda path: seen.append((path.name, {p.name for p in tmp_path.iterdir()} & WRITTEN)),
    )
    files.write(report, answers, tmp_path)
    *each, last = seen
    assert {name for name, _ in each} == WRITTEN
    assert all(not there for _, there in each)
    assert last == (tmp_path.name, WRITTEN)
