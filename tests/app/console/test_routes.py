"""The routes of the page: what is sent with it, and where it is found."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.console.files import read_files
from app.console.routes import POLICY
from app.main import create_app
from app.settings import Settings

pytestmark = pytest.mark.anyio

FILES = read_files()


async def fetch(path: str, method: str = "GET", headers: Any = None, **settings: Any) -> Any:
    transport = httpx.ASGITransport(create_app(Settings(**settings)))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        return await client.request(method, path, headers=headers)


async def test_the_page_has_a_strict_policy_and_a_validator() -> None:
    answer = await fetch("/")
    assert answer.status_code == 200
    assert answer.content == FILES["index.html"].content
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers.get_list("content-security-policy") == [POLICY]
    assert answer.headers.get_list("cache-control") == ["no-cache"]
    assert answer.headers["etag"] == FILES["index.html"].etag


def test_the_policy_lets_in_nothing_but_own_files() -> None:
    directives = dict(each.split(" ", 1) for each in POLICY.split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["trusted-types"] == "'none'"
    assert directives["require-trusted-types-for"] == "'script'"
    values = {value for each in directives.values() for value in each.split()}
    assert values == {"'none'", "'self'", "data:", "'script'"}


async def test_its_files_are_below_a_folder() -> None:
    answer = await fetch("/console/parts/dom.js")
    assert answer.content == FILES["parts/dom.js"].content
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["content-security-policy"] == POLICY


@pytest.mark.parametrize(
    "path",
    ["/console", "/console/", "/console/no.js", "/console/index.html", "/console/../main.py"],
)
async def test_there_is_nothing_else(path: str) -> None:
    answer = await fetch(path)
    assert answer.status_code == 404
    assert answer.json()["title"] == "Not found"


@pytest.mark.parametrize("listed", ["{}", '"other", {}', '{} ,"other"'])
async def test_what_the_browser_has_is_not_sent_again(listed: str) -> None:
    etag = FILES["style.css"].etag
    answer = await fetch("/console/style.css", headers={"If-None-Match": listed.format(etag)})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == etag


async def test_what_the_browser_has_of_another_version_is_sent_again() -> None:
    answer = await fetch("/", headers={"If-None-Match": FILES["style.css"].etag})
    assert answer.status_code == 200


async def test_it_is_compressed_for_those_who_read_that() -> None:
    answer = await fetch("/", headers={"Accept-Encoding": "br, gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.text == FILES["index.html"].content.decode()
    plain = await fetch("/", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers


async def test_head_has_the_headers_alone() -> None:
    answer = await fetch("/", "HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_it_can_be_left_out() -> None:
    for path in ("/", "/console/main.js"):
        answer = await fetch(path, console=False)
        assert answer.status_code == 404


@pytest.mark.parametrize("path", ["/xcopa/", "/", "/xcopa/console/main.js"])
async def test_it_is_below_a_prefix_too(path: str) -> None:
    answer = await fetch(path, root_path="/xcopa")
    assert answer.status_code == 200


async def test_without_the_last_slash_of_a_prefix_the_relative_addresses_would_be_wrong() -> None:
    answer = await fetch("/xcopa", root_path="/xcopa", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.headers["location"]) == (307, "/xcopa/")
