"""What a service says of itself."""

from __future__ import annotations

import pytest

from loadtests.scrape import batch_rows, grown, scrape, totals
from tests.loadtests.bench.tiny_server import tiny_server

TEXT = """# TYPE xcopa_batch_rows histogram
xcopa_batch_rows_count{model="direct"} 2
xcopa_batch_rows_sum{model="direct"} 20
xcopa_batch_rows_count{model="stilts"} 3
xcopa_batch_rows_sum{model="stilts"} 50
"""


def test_a_metric_is_summed_over_its_labels() -> None:
    assert totals(TEXT)["xcopa_batch_rows_sum"] == 70


def test_the_size_of_batches_is_that_between_two_scrapes() -> None:
    before = {"xcopa_batch_rows_count": 1.0, "xcopa_batch_rows_sum": 4.0}
    assert batch_rows(before, totals(TEXT)) == 66 / 4
    assert batch_rows(totals(TEXT), totals(TEXT)) is None
    assert batch_rows({}, totals(TEXT)) is None


def test_growth_of_what_was_not_read_is_0() -> None:
    assert grown({}, {"a": 3.0}, "a") == grown({"a": 3.0}, {}, "a") == 0
    assert grown({"a": 1.0}, {"a": 3.0}, "a") == 2


@pytest.mark.parametrize(
    ("status", "body", "found"), [("200 OK", TEXT, 70.0), ("404 No", TEXT, 0), ("200 OK", "{x", 0)]
)
def test_a_scrape_reads_a_real_server_or_nothing(status: str, body: str, found: float) -> None:
    reply = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    with tiny_server(lambda _: [reply]) as server:
        seen = scrape(f"http://127.0.0.1:{server.port}/base/")
    assert seen.get("xcopa_batch_rows_sum", 0) == found
    assert server.requests[0].startswith(b"GET /base/metrics HTTP/1.1\r\n")


def test_where_nobody_answers_there_is_nothing() -> None:
    assert scrape("http://127.0.0.1:1") == {}
