"""Look at the console of a running service: ``python -m scripts.console http://127.0.0.1:8000``.

It prints when the page was first painted and how large its files are, and takes the pictures of
docs/how-to/console.md. A picture shows what the models of that service answer.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from app.console.files import read_files

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "docs" / "figures"
SAMPLE = ROOT / "loadtests" / "sample.jsonl"

VISITS = 9
DESK: ViewportSize = {"width": 900, "height": 900}
COLOURS = 64
"""Of a picture: a page has few, and the file is a third as large."""

FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="of a service that is ready")
    parser.add_argument("--pictures", type=Path, help=f"take pictures, by custom to {FIGURES}")
    arguments = parser.parse_args()
    say_sizes()
    with chromium() as browser:
        say_first_paint(browser, arguments.url)
        if arguments.pictures is not None:
            take_pictures(browser, arguments.url, arguments.pictures)


def say_sizes() -> None:
    files = read_files().values()
    plain, compressed = (
        sum(len(getattr(file, form)) for file in files) for form in ("content", "compressed")
    )
    print(f"files: {len(files)}, {plain:,} bytes, {compressed:,} with gzip")


@contextmanager
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=path, args=["--no-sandbox"]) as browser,
    ):
        yield browser


def say_first_paint(browser: Browser, url: str) -> None:
    """Print when something was first seen, in milliseconds from the click, with nothing cached."""
    painted = sorted(first_paint(browser, url) for _ in range(VISITS))
    print(f"first paint: {median(painted):.0f} ms (median of {VISITS}; {painted[-1]:.0f} at most)")


def first_paint(browser: Browser, url: str) -> float:
    with browser.new_context(viewport=DESK) as context:
        page = context.new_page()
        page.goto(url)
        while (found := page.evaluate(FIRST_PAINT)) is None:
            page.wait_for_timeout(10)
        return float(found)


def take_pictures(browser: Browser, url: str, folder: Path) -> None:
    with browser.new_context(viewport=DESK, color_scheme="light") as context:
        page = opened(context.new_page(), url)
        ask(page)
        save(page, "#ask", folder / "console-ask.png")
        score(page)
        save(page, "#file", folder / "console-file.png")
    with browser.new_context(viewport=DESK, color_scheme="dark") as context:
        page = opened(context.new_page(), url)
        watch(page)
        save(page, "#live", folder / "console-live.png")


def save(page: Page, part: str, path: Path) -> None:
    picture = Image.open(io.BytesIO(page.locator(part).screenshot()))
    picture.convert("RGB").quantize(COLOURS).save(path, optimize=True)


def opened(page: Page, url: str) -> Page:
    page.goto(url)
    page.get_by_text("Models: ").wait_for()
    return page


def ask(page: Page) -> None:
    """Ask an example on which the models disagree, if there is one; with both changes."""
    options = page.locator("#example option").count()
    for index in range(1, options):
        page.select_option("#example", index=index)
        page.get_by_role("button", name="Ask", exact=True).click()
        page.locator(".card").first.wait_for()
        if page.locator(".card.differs").count():
            break
    page.check("#without-premise")
    page.check("#swapped")
    page.get_by_role("rowheader", name="with the question swapped").wait_for()


def watch(page: Page) -> None:
    page.click("#load-start")
    page.get_by_text("Ended: ").wait_for(timeout=60_000)


def score(page: Page) -> None:
    """Score sentences in Latin script: whoever takes the picture may lack fonts for others."""
    rows: list[dict[str, Any]] = [
        json.loads(line) for line in SAMPLE.read_text("utf-8").splitlines()
    ]
    latin = [row for row in rows if row["premise"][0] < "\u0250"]
    # In this file the first choice is the right one throughout.
    text = "".join(f"{json.dumps({**row, 'label': 0}, ensure_ascii=False)}\n" for row in latin)
    page.fill("#file-text", text)
    page.click("#file-score")
    page.get_by_text("Done. ").wait_for()
    page.select_option("#file-filter", "disagreements")


if __name__ == "__main__":
    main()
