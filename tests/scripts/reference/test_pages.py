"""The reference pages that come from the code are current."""

from __future__ import annotations

import pytest

from scripts.reference.pages import PAGES, ROOT


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_says(name: str) -> None:
    written = (ROOT / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), f"{name} is out of date; run `make reference`"
