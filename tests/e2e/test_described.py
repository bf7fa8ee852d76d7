"""What the service says of itself (OpenAPI) is what it does, as schemathesis checks it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from app.keys.keys_file import add_key
from tests.e2e.server import ServerProcess

FEW, MANY = 2, 60


def schemathesis(
    url: str, examples: int, folder: Path, *options: str
) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("schemathesis")
    command = [
        *(str(program), "run", f"{url}/openapi.json", "--checks", "all"),
        *("--max-examples", str(examples), "--seed", "1"),
        *("--continue-on-failure", "--no-color", *options),
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_every_operation_keeps_to_its_description(
    examples: int, tiny_url: str, tmp_path: Path
) -> None:
    done = schemathesis(tiny_url, examples, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_every_operation_keeps_to_its_description_where_keys_are_checked(
    tiny_direct: Path, tiny_stilts: Path, tmp_path: Path
) -> None:
    """Among the checks: what needs a key answers 401 without one, and with a wrong one."""
    settings = {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
        "XCOPA_API_KEYS_FILE": str(tmp_path / "keys"),
    }
    key = add_key(tmp_path / "keys", "schemathesis")
    with ServerProcess(**settings) as server:
        # Both: of one alone schemathesis would make up the other, and they would differ.
        both = (f"Authorization: Bearer {key}", f"X-API-Key: {key}")
        options = [part for header in both for part in ("--header", header)]
        done = schemathesis(server.wait_until_ready().url, MANY, tmp_path, *options)
    assert done.returncode == 0, done.stdout + done.stderr


def test_problems_are_described_as_problems_and_nothing_else(tiny_url: str) -> None:
    described = httpx.get(f"{tiny_url}/openapi.json").json()
    for path in ("/predict/xcopa", "/predict/xcopa/batch", "/compare/xcopa"):
        answers = described["paths"][path]["post"]["responses"]
        refusals = {status: answer for status, answer in answers.items() if status != "200"}
        assert {"413", "415", "422", "429", "503", "504"} <= set(refusals)
        kinds = {kind for answer in refusals.values() for kind in answer["content"]}
        assert kinds == {"application/problem+json"}
        assert all("X-Request-ID" in answer["headers"] for answer in answers.values())
        assert all("Retry-After" in answers[status]["headers"] for status in ("429", "503"))
        assert "Server-Timing" in answers["200"]["headers"]


@pytest.mark.parametrize("path", ["/predict/xcopa", "/predict/xcopa/batch", "/compare/xcopa"])
def test_docs_tell_of_request_headers_and_the_example_is_answered(path: str, tiny_url: str) -> None:
    described = httpx.get(f"{tiny_url}/openapi.json").json()
    operation = described["paths"][path]["post"]
    for header in ("X-Request-Timeout-Ms", "X-Request-ID", "X-API-Key", "Content-Type"):
        assert header in operation["description"]
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    schema = described["components"]["schemas"][reference.rpartition("/")[2]]
    for example in schema["examples"]:
        assert httpx.post(f"{tiny_url}{path}", json=example, timeout=60).status_code == 200


def test_docs_open(tiny_url: str) -> None:
    assert httpx.get(f"{tiny_url}/docs").status_code == 200


ROW = {
    "premise": "The street lights went out.",
    "choice1": "A storm came.",
    "choice2": "It was noon.",
    "question": "cause",
    "label": 0,
    "idx": 12,
    "changed": False,
}
"""In the form of the XCOPA files."""


def test_a_row_of_xcopa_as_it_is_is_answered_like_its_question_alone(tiny_url: str) -> None:
    item = {name: ROW[name] for name in ("premise", "choice1", "choice2", "question")}
    alone = httpx.post(f"{tiny_url}/predict/xcopa", json=item, timeout=60).json()
    row = httpx.post(f"{tiny_url}/predict/xcopa", json=ROW, timeout=60).json()
    unlabelled = {"items": [ROW, {**ROW, "label": None}]}
    batch = httpx.post(f"{tiny_url}/predict/xcopa/batch", json=unlabelled, timeout=60).json()
    both = httpx.post(f"{tiny_url}/compare/xcopa", json=ROW, timeout=60).json()
    answers = [row, *batch["predictions"], both["predictions"]["stilts"]]
    for answer in answers:
        assert answer["logits"] == pytest.approx(alone["logits"], abs=1e-4)


def test_any_other_field_of_a_row_is_named_alone_and_in_a_batch(tiny_url: str) -> None:
    wrong = {**ROW, "lang": "et"}
    alone = httpx.post(f"{tiny_url}/predict/xcopa", json=wrong, timeout=60)
    assert alone.status_code == 422
    assert [error["field"] for error in alone.json()["errors"]] == ["lang"]
    batch = httpx.post(f"{tiny_url}/predict/xcopa/batch", json={"items": [ROW, wrong]}, timeout=60)
    [answered, refused] = batch.json()["predictions"]
    assert "label" in answered
    assert [error["field"] for error in refused["error"]["errors"]] == ["items.1.lang"]
