"""For everybody: keyboard, screen readers, dark and light, narrow screens, no JavaScript."""

from __future__ import annotations

import json
import re
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e.console.visit import Visit
from tests.sample import sample_items

ITEM = sample_items("en")[0]
SCHEMES: list[Literal["light", "dark"]] = ["light", "dark"]


def fill_everything(visit: Visit) -> None:
    """Have every part of the page show something."""
    page = visit.page
    visit.ask_item(ITEM)
    expect(page.locator(".card")).to_have_count(2)
    page.check("#without-premise")
    expect(page.locator(".why")).to_be_visible()
    rows = [{**item, "label": 1, "language": "sw"} for item in sample_items()]
    visit.paste("".join(f"{json.dumps(row)}\n" for row in [*rows, {"premise": "?"}]))
    expect(page.locator("#file-said")).to_contain_text("Done. 25 rows")
    page.click("#live-watch")
    expect(page.locator("#live-now td")).to_have_count(6)
    # What stands here only when it is needed.
    page.evaluate("document.getElementById('key').hidden = false")


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_narrow_screen(
    browser: Browser, tiny_url: str, scheme: Literal["light", "dark"]
) -> None:
    with browser.new_context(
        viewport={"width": 360, "height": 800}, color_scheme=scheme
    ) as context:
        visit = Visit(context.new_page(), tiny_url)
        visit.open()
        fill_everything(visit)
        assert_accessible(visit.page)
        widths = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        needed, given = visit.page.evaluate(widths)
        assert needed == given == 360
        visit.assert_clean()


def assert_accessible(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_the_page_is_dark_where_that_is_wanted(browser: Browser, tiny_url: str) -> None:
    seen = []
    for scheme in SCHEMES:
        with browser.new_context(color_scheme=scheme) as context:
            page = context.new_page()
            page.goto(tiny_url)
            script = "getComputedStyle(document.body).backgroundColor"
            numbers = re.findall(r"\d+", page.evaluate(script))
            seen.append(sum(map(int, numbers[:3])))
    light, dark = seen
    assert light > 3 * 200
    assert dark < 3 * 60


def test_everything_is_done_with_the_keyboard(visit: Visit) -> None:
    page = visit.page
    keys = page.keyboard
    keys.press("Tab")
    expect(page.get_by_role("link", name="Skip to the question")).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    expect(page.locator("#example")).to_be_focused()
    keys.press("Tab")
    keys.type(ITEM["premise"])
    keys.press("Tab")
    keys.press("ArrowRight")
    expect(page.locator("input[value=effect]")).to_be_checked()
    for choice in ("choice1", "choice2"):
        keys.press("Tab")
        keys.type(ITEM[choice])
    keys.press("Enter")
    expect(page.locator(".card")).to_have_count(2)
    for _ in range(3):
        keys.press("Tab")
    keys.press("Space")
    expect(page.locator("#swapped")).to_be_checked()
    expect(page.locator(".why")).to_be_visible()


def test_what_changes_is_said_to_screen_readers(visit: Visit) -> None:
    for place in ("condition", "ask-said", "file-said", "live-said", "key-said"):
        assert visit.page.locator(f"#{place}").get_attribute("role") == "status"
    # It changes several times a second, and would be read without an end.
    assert visit.page.locator("#load-said").get_attribute("role") is None
    progress = visit.page.get_by_label("Progress", exact=True)
    assert progress.evaluate("bar => bar.localName") == "progress"


def test_without_javascript_it_says_what_to_do(browser: Browser, tiny_url: str) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(tiny_url)
        expect(page.get_by_role("heading", name="This page needs JavaScript")).to_be_visible()
        expect(page.locator("pre")).to_contain_text("/compare/xcopa")
        expect(page.locator("#ask-form")).to_be_hidden()


def test_the_policy_stops_a_script_that_got_in(page: Page, tiny_url: str) -> None:
    visit = Visit(page, tiny_url)
    visit.open()
    script = """() => {
      const element = document.createElement("script");
      try {
        element.textContent = "window.ran = true";
        document.body.append(element);
      } catch {}
      try {
        document.body.innerHTML = "<p>";
      } catch {}
      return [window.ran ?? false, document.querySelector("#ask-form") !== null];
    }"""
    assert page.evaluate(script) == [False, True]
    assert visit.console
