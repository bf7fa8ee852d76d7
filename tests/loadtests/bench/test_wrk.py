"""What wrk reports."""

from __future__ import annotations

import pytest

from loadtests.bench.wrk import rate_of

OUTPUT = """Running 5s test @ http://127.0.0.1:8000/predict/xcopa
  20121 requests in 5.00s, 5.1MB read
Requests/sec:   4024.11
Transfer/sec:      1.02MB
"""


def test_the_rate_is_that_of_wrk() -> None:
    assert rate_of(OUTPUT) == 4024.11


def test_refused_requests_are_no_rate() -> None:
    with pytest.raises(RuntimeError, match="Non-2xx"):
        rate_of(OUTPUT + "  Non-2xx or 3xx responses: 7\n")
