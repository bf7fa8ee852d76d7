"""wrk, the load generator: keep-alive connections without a pause, and no failure."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.e2e.clients.programs import ITEM, needed, output


def test_every_call_of_a_short_load_is_answered(tiny_url: str, tmp_path: Path) -> None:
    script = tmp_path / "predict.lua"
    script.write_text(
        f"""
        wrk.method = "POST"
        wrk.body = [[{json.dumps(ITEM)}]]
        wrk.headers["Content-Type"] = "application/json"
        """,
        encoding="utf-8",
    )
    said = output(
        *(needed("wrk"), "--threads", "1", "--connections", "8", "--duration", "2s"),
        *("--script", script, f"{tiny_url}/predict/xcopa"),
    )
    requests = re.search(r"(\d+) requests in", said)
    assert requests is not None, said
    assert int(requests[1]) > 0
    assert "Non-2xx" not in said
    assert "Socket errors" not in said
