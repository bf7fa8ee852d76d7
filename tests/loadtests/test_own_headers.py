"""The API key that load tests send."""

from __future__ import annotations

import pytest

from app.errors import StartError
from loadtests.own_headers import own_headers


def test_the_key_is_that_of_the_variable() -> None:
    assert own_headers({"XCOPA_API_KEY": "xcopa_abc\n"}) == {"Authorization": "Bearer xcopa_abc"}


@pytest.mark.parametrize("environ", [{}, {"XCOPA_API_KEY": ""}])
def test_without_a_key_nothing_is_sent(environ: dict[str, str]) -> None:
    assert own_headers(environ) == {}


def test_what_cannot_be_a_key_is_refused() -> None:
    with pytest.raises(StartError, match="XCOPA_API_KEY holds no API key"):
        own_headers({"XCOPA_API_KEY": "two words"})
