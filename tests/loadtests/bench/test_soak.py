"""The growth of memory, and the requests that are to make it grow."""

from __future__ import annotations

import json

import pytest

from loadtests.bench.soak import MINUTES, growth, soak_requests

MEGABYTE = 1_000_000


def test_growth_compares_the_end_with_two_minutes() -> None:
    end = int(60 * MINUTES)
    readings = [(float(at), 900 * MEGABYTE) for at in range(0, 105, 5)]
    readings += [(float(at), 1000 * MEGABYTE) for at in range(105, 136, 5)]
    readings += [(float(at), 2000 * MEGABYTE) for at in range(140, end - 30, 5)]
    readings += [(float(at), 1100 * MEGABYTE) for at in range(end - 30, end, 5)]
    result = growth(readings)
    assert result.value == pytest.approx(1.1)
    assert result.details == {"megabytes": [1000, 1100], "most": 2000}


def test_every_tenth_request_is_a_list() -> None:
    requests = soak_requests(60)
    assert [number for number, (path, _) in enumerate(requests) if path.endswith("batch")] == [
        *range(0, 60, 10)
    ]


def test_both_models_and_very_different_lengths_are_asked() -> None:
    singles = [json.loads(body) for path, body in soak_requests(300) if path.endswith("xcopa")]
    assert {single["model"] for single in singles} == {"direct", "stilts"}
    lengths = sorted(len(single["premise"]) for single in singles)
    assert lengths[-1] > 8 * lengths[0]
