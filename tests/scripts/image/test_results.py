"""The log of the last run: complete, of this image, and what the page shows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from scripts.image.checks import SIZE_LIMIT
from scripts.image.results import DATA, PAGE, Check, ImageLog, Part, rewritten, table

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return loaded


def test_the_page_shows_the_log(kept: dict[str, Any]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"image:begin (\w+)", page) == ["checks", "layers", "largest", "environment"]
    assert rewritten(page, kept) == page


def test_the_last_run_kept_all_promises(kept: dict[str, Any]) -> None:
    assert kept["command"] == "make image-test"
    assert [each["promise"] for each in kept["checks"] if not each["kept"]] == []
    assert kept["bytes"] == sum(layer["bytes"] for layer in kept["layers"]) <= SIZE_LIMIT


def test_the_last_run_was_of_an_image_with_these_settings(kept: dict[str, Any]) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert sorted(kept["environment"]) == sorted(re.findall(r"(?m)^ +(XCOPA_\w+)=", dockerfile))


def test_a_promise_that_is_not_kept_stands_out() -> None:
    log = ImageLog({}, {}, [Part("base", 5)], [], {}, [Check("it runs", False, "it does not")])
    assert not log.passed
    assert "| it runs | **no** | it does not |" in table("checks", json.loads(log.to_json()))
