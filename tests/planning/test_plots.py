"""The picture of latency against load."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from planning.plots import draw
from tests.planning.examples import figures
from tests.planning.test_report import REPORT

PNG = b"\x89PNG\r\n"


def test_the_picture_is_written_also_where_requests_are_refused(tmp_path: Path) -> None:
    refused = [("jsq", figures(rate=5_000, p99=math.inf))]
    draw(replace(REPORT, loads=[*REPORT.loads, *refused]), tmp_path / "latency.png")
    content = (tmp_path / "latency.png").read_bytes()
    assert content.startswith(PNG)
    draw(replace(REPORT, loads=REPORT.loads[:2]), tmp_path / "other.png")
    assert (tmp_path / "other.png").read_bytes() != content
