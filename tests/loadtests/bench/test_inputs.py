"""What is asked: every language as often as the others, the same in every run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from app.api.schemas import BatchRequest, PredictRequest
from app.engine.tokenizer import PairTokenizer
from app.weights.variant_config import VariantConfig
from loadtests.bench.inputs import batch_body, body, mixed_bodies, mixed_items, rows_of
from tests import tiny
from tests.sample import sample_items


@pytest.fixture(autouse=True)
def _the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XCOPA_DATA_DIR", raising=False)


def language_of(premise: str) -> str:
    [language] = {
        row["language"]
        for row in map(json.loads, Path("loadtests/sample.jsonl").read_text("utf-8").splitlines())
        if row["premise"] == premise
    }
    return str(language)


def test_each_language_is_asked_in_as_often_as_the_others() -> None:
    languages = [language_of(item["premise"]) for item in mixed_items(36)]
    assert {languages.count(language) for language in set(languages)} == {3}
    assert len(set(languages)) == 12


def test_the_same_items_come_in_the_same_order_every_time() -> None:
    assert mixed_items(50) == mixed_items(50)


def test_real_items_are_used_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [item, *_] = sample_items("et")
    path = tmp_path / "xcopa" / "et" / "test.et.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**item, "premise": "Minu oma.", "label": 1}), "utf-8")
    monkeypatch.setenv("XCOPA_DATA_DIR", str(tmp_path))
    assert mixed_items(3) == [{**item, "premise": "Minu oma."}] * 3


def test_bodies_are_requests_that_the_service_takes() -> None:
    item = sample_items("en")[0]
    one = PredictRequest.model_validate_json(body(item, "direct"))
    assert (one.premise, one.model) == (item["premise"], "direct")
    several = BatchRequest.model_validate_json(batch_body([item, item]))
    assert (len(several.items), several.model) == (2, "stilts")


def test_bodies_are_those_of_the_items() -> None:
    assert mixed_bodies(5) == [body(item) for item in mixed_items(5)]


def test_rows_of_items_leave_out_what_is_longer_than_the_model_allows(tiny_direct: Path) -> None:
    pieces = Tokenizer.from_file(str(tiny_direct / "tokenizer.json"))
    tokenizer = PairTokenizer(pieces, VariantConfig.load(tiny_direct).prompt, tiny.MAX_TOKENS)
    item = sample_items("en")[0]
    long = {**item, "premise": " ".join([item["premise"]] * 100)}
    [rows] = rows_of(tokenizer, [long, item])
    assert len(rows) == 2
