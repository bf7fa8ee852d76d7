"""curl, as people call it: over HTTP/1.1, with an upgrade to HTTP/2 offered, and in streams."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.clients.conftest import check
from tests.e2e.clients.programs import ITEM, LIMIT_S, needed, output

BODY = json.dumps(ITEM)
JSON_BODY = ("--header", "Content-Type: application/json", "--data-binary", "@-")


@pytest.fixture(scope="module")
def curl() -> str:
    return needed("curl")


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--http1.0",),
        ("--http2",),
        ("--compressed",),
        ("--header", "Transfer-Encoding: chunked"),
        ("--http2", "--header", "Transfer-Encoding: chunked"),
        ("--header", "Expect: 100-continue"),
    ],
    ids=" ".join,
)
def test_a_prediction(
    curl: str, tiny_url: str, expected: dict[str, Any], options: tuple[str, ...]
) -> None:
    target = f"{tiny_url}/predict/xcopa"
    said = output(curl, "--silent", "--fail", *options, *JSON_BODY, target, stdin=BODY)
    check(json.loads(said), expected)


def test_http_2_with_prior_knowledge_is_refused_at_once_and_not_left_waiting(
    curl: str, tiny_url: str
) -> None:
    done = subprocess.run(
        [curl, "--silent", "--http2-prior-knowledge", *JSON_BODY, f"{tiny_url}/predict/xcopa"],
        input=BODY,
        text=True,
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode != 0


def test_a_compressed_body(
    curl: str, tiny_url: str, expected: dict[str, Any], tmp_path: Path
) -> None:
    packed = tmp_path / "item.json.gz"
    packed.write_bytes(gzip.compress(BODY.encode()))
    said = output(
        *(curl, "--silent", "--fail", "--header", "Content-Encoding: gzip"),
        *("--header", "Content-Type: application/json", "--data-binary", f"@{packed}"),
        f"{tiny_url}/predict/xcopa",
    )
    check(json.loads(said), expected)


def test_several_calls_share_a_connection(curl: str, tiny_url: str) -> None:
    call = (
        *("--silent", "--output", "/dev/null", "--header", "Content-Type: application/json"),
        *("--data", BODY, "--write-out", r"%{http_code} %{num_connects}\n"),
        f"{tiny_url}/predict/xcopa",
    )
    said = output(curl, *call, "--next", *call, "--next", *call)
    assert said.splitlines() == ["200 1", "200 0", "200 0"]


def test_a_body_that_is_far_too_large_is_answered(curl: str, tiny_url: str, tmp_path: Path) -> None:
    large = tmp_path / "large.json"
    large.write_text(json.dumps({**ITEM, "premise": "x" * 20_000_000}), encoding="utf-8")
    done = subprocess.run(
        [
            *(curl, "--silent", "--show-error", "--header", "Content-Type: application/json"),
            *("--data-binary", f"@{large}", "--write-out", r"\n%{http_code}"),
            f"{tiny_url}/predict/xcopa",
        ],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    problem, status = done.stdout.rsplit("\n", 1)
    assert status == "413", done.stderr
    assert json.loads(problem)["status"] == 413


def test_probes_answer_to_head(curl: str, tiny_url: str) -> None:
    for probe in ("/livez", "/readyz", "/startupz", "/metrics", "/v2/health/ready"):
        head = output(curl, "--silent", "--head", f"{tiny_url}{probe}")
        assert head.split(maxsplit=2)[1] == "200", (probe, head)
