"""Node's fetch and Java's HttpClient, as they are by default."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.e2e.clients.conftest import check
from tests.e2e.clients.programs import ITEM, needed, output

HERE = Path(__file__).parent
CALLS = 8


def test_nodes_fetch(tiny_url: str, expected: dict[str, Any]) -> None:
    said = output(needed("node"), HERE / "ask.mjs", tiny_url, json.dumps(ITEM), str(CALLS))
    refused, *answers = json.loads(said)
    assert refused["status"] == 413
    assert len(answers) == 2 * CALLS + 1
    for answer in answers:
        check(answer, expected)


def test_javas_http_client_which_offers_an_upgrade_to_http_2(
    tiny_url: str, expected: dict[str, Any]
) -> None:
    said = output(needed("java"), HERE / "Ask.java", tiny_url, json.dumps(ITEM), str(CALLS))
    refused, *answers = map(json.loads, said.splitlines())
    assert refused["status"] == 413
    assert len(answers) == 4 * CALLS
    for answer in answers:
        check(answer, expected)
