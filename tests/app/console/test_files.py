"""The files of the page: small, whole, with their licences, and in step with each other."""

from __future__ import annotations

import gzip
import posixpath
import re
import tomllib
from pathlib import Path

import pytest

from app.console.files import PAGE, STATIC, read_files

FILES = read_files()
OWN = {name: file for name, file in FILES.items() if not name.startswith("vendored/")}
SCRIPTS = [name for name in OWN if name.endswith(".js")]
ROOT = Path(__file__).resolve().parents[3]
MOST_BYTES = 150_000
FOLDER = "console/"


def text_of(name: str) -> str:
    return FILES[name].content.decode()


def test_all_that_the_page_loads_is_small() -> None:
    loaded = [file for file in FILES.values() if not file.media_type.startswith("text/plain")]
    assert sum(len(file.content) for file in loaded) < MOST_BYTES
    assert sum(len(file.compressed) for file in loaded) < MOST_BYTES / 2


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        (PAGE, "text/html"),
        ("style.css", "text/css"),
        ("main.js", "text/javascript"),
        ("icon.svg", "image/svg+xml"),
        ("vendored/uplot/LICENSE", "text/plain"),
    ],
)
def test_a_file_has_its_type_and_both_forms(name: str, media_type: str) -> None:
    file = FILES[name]
    assert file.media_type == f"{media_type}; charset=utf-8"
    assert gzip.decompress(file.compressed) == file.content == (STATIC / name).read_bytes()


def test_a_validator_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    (tmp_path / "b").write_text("one")
    (tmp_path / "c").write_text("two")
    read = read_files(tmp_path)
    assert read["a"].etag == read["b"].etag != read["c"].etag


def test_what_the_page_names_is_there() -> None:
    named = re.findall(r'(?:src|href)="([^"#]+)"', text_of(PAGE))
    own = {name.removeprefix(FOLDER) for name in named if name.startswith(FOLDER)}
    assert "main.js" in own
    assert own - FILES.keys() == set()
    assert {name for name in named if not name.startswith(FOLDER)} == {"docs", "openapi.json"}


def test_what_the_page_holds_is_found_by_its_id() -> None:
    ids = set(re.findall(r'id="([^"]+)"', text_of(PAGE)))
    asked = {
        name for script in SCRIPTS for name in re.findall(r'byId\("([^"]+)"\)', text_of(script))
    }
    assert asked - ids == set()


def test_every_file_is_used() -> None:
    """From the script of the page on, over what each imports."""
    seen: set[str] = set()
    waiting = ["main.js"]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        folder = posixpath.dirname(name)
        paths = re.findall(r'^import .*?"(.+?)";|^} from "(.+?)";', text_of(name), re.MULTILINE)
        found = (posixpath.normpath(posixpath.join(folder, one or other)) for one, other in paths)
        waiting.extend(found)
    types_only = {"logic/scored.js"}
    assert seen | types_only == set(SCRIPTS)


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_file_of_ours_is_short_and_names_no_address(name: str) -> None:
    text = text_of(name)
    assert len(text.splitlines()) < 400
    own = text.replace("http://www.w3.org/2000/svg", "").replace("http://ADDRESS/", "")
    assert not re.search(r"https?:|[\"'`(]//", own), "the page loads nothing from elsewhere"


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_hands_texts_to_what_reads_html(name: str) -> None:
    risky = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    assert not re.search(risky, text_of(name))


def test_the_logic_knows_no_document() -> None:
    for name in SCRIPTS:
        if name.startswith("logic/"):
            assert not re.search(r"\b(document|window)\.\w|\bfetch\(", text_of(name)), name


def test_what_others_wrote_has_its_version_and_licence() -> None:
    table = text_of("vendored/README.md")
    for folder in {
        name.split("/")[1] for name in FILES if name.startswith("vendored/") and name.count("/") > 1
    }:
        assert f"`{folder}/`" in table
        assert "Copyright" in text_of(f"vendored/{folder}/LICENSE")
    [version] = re.findall(r"\(v([\d.]+)\)", text_of("vendored/uplot/uPlot.iife.min.js"))
    assert f" {version} " in table


def test_they_are_part_of_the_package() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = pyproject["tool"]["setuptools"]["package-data"]["app"]
    packed = {path for pattern in patterns for path in (ROOT / "app").glob(pattern)}
    assert {STATIC / name for name in FILES} - packed == set()
