"""Numbers of headers, as clients and attackers write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.digits import whole_number


@given(st.integers(0, 10**18 - 1))
def test_digits_are_read(number: int) -> None:
    assert whole_number(str(number)) == number


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1.0", " 1", "1_000", "x", "\u0661", "1" * 19, "0" * 5_000]
)
def test_what_is_no_count_of_bytes_is_none(text: str) -> None:
    """Of 5,000 digits, Python's own ``int`` raised, and the caller got a 500."""
    assert whole_number(text) is None
