"""A real Chromium on the page of a real service with tiny models."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.e2e.console.visit import Visit

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """Return where the browser is, if there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip("no Chromium is installed; Debian has it in the package chromium")
    # Chromium's sandbox does not work for root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=path, args=arguments) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(viewport={"width": 1280, "height": 900}) as made:
        yield made


@pytest.fixture(scope="module")
def tab(context: BrowserContext, tiny_url: str) -> Visit:
    """A tab that the tests of a module share, since a new one costs as much as a test."""
    return Visit(context.new_page(), tiny_url)


@pytest.fixture
def visit(tab: Visit) -> Iterator[Visit]:
    """The page, opened anew. At its end nothing may have gone wrong in the console."""
    tab.open()
    yield tab
    tab.page.unroute_all()
    tab.assert_clean()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab of a test's own."""
    with context.new_page() as made:
        yield made
