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


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    with made:
        yield made


@pytest.fixture
def page(context: BrowserContext) -> Page:
    made = context.new_page()
    made.set_default_timeout(30_000)
    return made


@pytest.fixture
def visit(page: Page, tiny_url: str) -> Iterator[Visit]:
    """The page, opened. At its end nothing may have gone wrong in the console."""
    made = Visit(page, tiny_url)
    made.open()
    yield made
    made.assert_clean()
