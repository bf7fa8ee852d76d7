"""A third variant stands beside the other two on the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.e2e.console.visit import Visit
from tests.e2e.server import ServerProcess
from tests.sample import sample_items

NAMES = ["direct", "stilts", "mnli"]


@pytest.mark.slow
def test_every_model_answers_in_a_card_of_its_own(
    context: BrowserContext, tiny_direct: Path, tiny_stilts: Path
) -> None:
    settings = {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
        "XCOPA_MODELS__MNLI": str(tiny_direct),
    }
    with ServerProcess(**settings) as server, context.new_page() as page:
        visit = Visit(page, server.wait_until_ready().url)
        visit.open()
        visit.ask_item(sample_items()[0])
        cards = page.locator(".card")
        expect(cards).to_have_count(len(NAMES))
        said = [text.partition(":")[0] for text in cards.locator("h3").all_inner_texts()]
        assert said == NAMES
        for name in NAMES:
            expect(page.locator("body")).to_contain_text(f"{name} (revision ")
        visit.assert_clean()
