"""What a record depends on: the machine, the model, the code, the items."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loadtests.comparison.origin import RunOrigin, code_digest
from tests.sample import sample_items

ITEMS = sample_items("en")


def code(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def test_code_that_changes_has_another_digest(tmp_path: Path) -> None:
    before = code_digest(code(tmp_path / "one", main="1", **{"api/call": "2"}))
    assert code_digest(code(tmp_path / "same", main="1", **{"api/call": "2"})) == before
    (tmp_path / "one" / "note.md").write_text("no code", "utf-8")
    assert code_digest(tmp_path / "one") == before
    assert code_digest(code(tmp_path / "one", main="3")) != before
    assert code_digest(code(tmp_path / "moved", main="1", call="2")) != before


@pytest.mark.usefixtures("tiny_settings")
def test_it_is_the_same_until_something_changes(
    tiny_stilts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = RunOrigin.here(ITEMS)
    assert RunOrigin.here(ITEMS) == here
    assert json.loads(json.dumps(here.to_json())) == here.to_json()
    assert "date" not in here.machine
    assert RunOrigin.here(ITEMS[1:]).items != here.items
    monkeypatch.setenv("XCOPA_MODELS__DIRECT", str(tiny_stilts))
    assert RunOrigin.here(ITEMS).checkpoint != here.checkpoint
