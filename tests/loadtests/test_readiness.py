"""What is said, in one line, of a service that cannot be measured."""

from __future__ import annotations

import pytest

from loadtests.readiness import why_not
from tests.loadtests.test_locust import answering


@pytest.mark.parametrize("url", ["localhost:8000", "", "ftp://x", "http://", "//127.0.0.1:8000"])
def test_what_is_no_url_is_said(url: str) -> None:
    assert "is no URL of a service" in str(why_not(url))


@pytest.mark.parametrize("url", ["http://no-such-host.invalid", "http://127.0.0.1:port"])
def test_an_address_where_nobody_can_be_is_named(url: str) -> None:
    assert f"no service answers at {url}" in str(why_not(url))


def test_a_service_that_still_loads_is_told_from_one_that_is_ready() -> None:
    with answering({}) as url:
        assert why_not(url) is None
        assert why_not(f"{url}/") is None
    with answering({}, ready=503) as url:
        reason = str(why_not(url))
    assert "is not ready yet" in reason
    assert "loading" in reason


def test_another_server_is_told_from_the_service() -> None:
    with answering({}, ready=404) as url:
        assert f"{url} is another server: /readyz answers 404" in str(why_not(url))
