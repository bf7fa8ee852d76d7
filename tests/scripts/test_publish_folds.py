"""Published answers out of fold can be computed with by whoever has them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from models.crossvalidation.outcome import figures
from models.evaluation.show.files import REPORT
from scripts.publish_evaluation import DIGESTS
from scripts.publish_folds import publish_folds, published_folds
from tests.models.crossvalidation.test_outcome import BOTH, LEFT, answers


def test_published_answers_are_those_of_the_folds_and_have_digests(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("direct", "stilts")}
    for name, made in (("direct", answers((LEFT,) * 4)), ("stilts", BOTH)):
        folders[name].mkdir()
        made.save(folders[name] / "predictions.jsonl")
    models = tmp_path / "models"
    models.mkdir()
    (models / REPORT).write_text("{}")
    publish_folds(folders, models)
    published = published_folds(models)
    assert list(published) == ["direct", "stilts"]
    assert figures(published["stilts"]) == figures(BOTH)
    check = ["sha256sum", "--check", "--strict", DIGESTS]
    checked = subprocess.run(check, cwd=models, check=True, capture_output=True, text=True)
    assert len(checked.stdout.splitlines()) == 3
