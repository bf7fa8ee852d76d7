"""The documentation site builds strictly, is whole, and asks no other host for anything."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Where a browser fetches by itself; a link that a reader follows is no such place.
FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}
FETCHED_LINKS = {"stylesheet", "preload", "prefetch", "preconnect", "dns-prefetch", "icon"}


class Page(HTMLParser):
    """What a page links to, what it fetches, and the classes of its parts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.fetched: set[str] = set()
        self.classes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.classes.update(values.get("class", "").split())
        if tag in FETCHED and FETCHED[tag] in values:
            self.fetched.add(values[FETCHED[tag]])
        if tag == "link" and FETCHED_LINKS & set(values.get("rel", "").split()):
            self.fetched.add(values["href"])
        if tag == "a" and "href" in values:
            self.links.add(values["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built from a copy, so that nothing is written beside the sources."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copyfile(ROOT / "zensical.toml", folder / "zensical.toml")
    shutil.copytree(ROOT / "docs", folder / "docs")
    for package in ("app", "models", "xcopa"):
        (folder / package).symlink_to(ROOT / package)
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    # The page for what is not found is served at any depth, so its links start at the root.
    paths = [path for path in site.rglob("*.html") if path.name != "404.html"]
    return {path: Page(path.read_text(encoding="utf-8")) for path in paths}


def test_every_page_is_built(site: Path, pages: dict[Path, Page]) -> None:
    sources = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    built = {path.relative_to(site).with_suffix(".md") for path in pages}
    assert sources - built == {Path("SUMMARY.md")}


def test_every_page_is_in_the_navigation(site: Path, pages: dict[Path, Page]) -> None:
    start = pages[site / "index.html"]
    linked = {(site / link.partition("#")[0]).resolve() for link in start.links}
    assert {path.relative_to(site) for path in pages if path.resolve() not in linked} == set()


def test_a_page_fetches_nothing_from_another_host(pages: dict[Path, Page]) -> None:
    outside = {address for page in pages.values() for address in page.fetched if is_remote(address)}
    assert outside == set()


def test_a_style_sheet_fetches_nothing_from_another_host(site: Path) -> None:
    addresses = {
        address
        for sheet in site.rglob("*.css")
        for address in re.findall(
            r"(?:url\(|@import )[\"']?([^\"')\s]+)", sheet.read_text(encoding="utf-8")
        )
    }
    assert {a for a in addresses if is_remote(a) and not a.startswith("data:")} == set()


def test_no_page_has_what_makes_the_theme_load_a_script_later(pages: dict[Path, Page]) -> None:
    """Diagrams, picture boxes and Python in the page come from a content network."""
    later = {"mermaid", "glightbox", "pyodide"}
    assert {str(path) for path, page in pages.items() if later & page.classes} == set()


def test_a_link_within_the_site_leads_to_a_file(pages: dict[Path, Page]) -> None:
    broken = {
        f"{path.name} -> {link}"
        for path, page in pages.items()
        for link in page.links | page.fetched
        if not is_remote(link) and (name := unquote(urlsplit(link).path))
        if not (path.parent / name).exists()
    }
    assert broken == set()


def test_the_theme_is_told_to_load_no_fonts() -> None:
    configuration = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))
    assert configuration["project"]["theme"]["font"] is False


def is_remote(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.scheme or parts.netloc)
