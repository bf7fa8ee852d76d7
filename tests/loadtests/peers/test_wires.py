"""How each peer is asked, and what its response says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loadtests.bench.inputs import body
from loadtests.peers.pairs import PairTexts
from loadtests.peers.wires import CannotAskError, ListWire, PlainWire, RerankWire, TensorWire

ANSWER = {"label": 1, "probabilities": [0.25, 0.75], "logits": [-0.5, 0.6]}
ITEM = {"premise": "It rained.", "choice1": "A.", "choice2": "B.", "question": "effect"}
PROMPT = {"cause": "Why?", "effect": "And then?"}


def checkpoint(folder: Path, **more: object) -> Path:
    (folder / "xcopa.json").write_text(json.dumps({"prompt": PROMPT, **more}), "utf-8")
    return folder


def test_most_are_asked_as_the_service_is() -> None:
    assert PlainWire().body(b"{}") == b"{}"
    assert PlainWire().answer(json.dumps(ANSWER).encode()) == ANSWER


def test_bentoml_is_asked_with_a_list_of_one_and_answers_with_one() -> None:
    assert json.loads(ListWire().body(body(ITEM))) == {"items": [{**ITEM, "model": "stilts"}]}
    assert ListWire().answer(json.dumps([ANSWER]).encode()) == ANSWER
    with pytest.raises(ValueError, match="values to unpack"):
        ListWire().answer(json.dumps([ANSWER, ANSWER]).encode())


def test_open_inference_gets_a_tensor_of_one_text_for_each_field() -> None:
    asked = json.loads(TensorWire().body(body(ITEM)))["inputs"]
    assert {each["name"]: each["data"] for each in asked} == {k: [v] for k, v in ITEM.items()}
    assert {(each["datatype"], *each["shape"]) for each in asked} == {("BYTES", 1, 1)}
    outputs = [
        {"name": "logits", "datatype": "FP32", "shape": [1, 2], "data": [-0.5, 0.6]},
        {"name": "label", "datatype": "INT32", "shape": [1, 1], "data": [1]},
        {"name": "probabilities", "datatype": "FP32", "shape": [1, 2], "data": [0.25, 0.75]},
    ]
    assert TensorWire().answer(json.dumps({"outputs": outputs}).encode()) == ANSWER
    with pytest.raises(KeyError):
        TensorWire().answer(b'{"outputs": []}')


def test_a_reranker_gets_a_document_for_each_choice_in_the_words_of_the_checkpoint(
    tmp_path: Path,
) -> None:
    asked = json.loads(RerankWire.of(checkpoint(tmp_path)).body(body(ITEM)))
    assert asked["query"] == "It rained."
    assert asked["documents"] == ["And then? A.", "And then? B."]
    assert asked["raw_scores"] is True


def test_the_scores_of_a_reranker_come_best_first_and_are_the_logits(tmp_path: Path) -> None:
    wire = RerankWire.of(checkpoint(tmp_path, temperature=2.0))
    ranked = [{"index": 1, "relevance_score": 3.0}, {"index": 0, "relevance_score": 1.0}]
    found = wire.answer(json.dumps({"results": ranked}).encode())
    assert found["logits"] == [1.0, 3.0]
    assert found["label"] == 1
    assert found["probabilities"] == pytest.approx([0.26894142, 0.73105858])


@pytest.mark.parametrize("scores", [[1.0], [1.0, float("nan")]])
def test_a_reranker_that_leaves_out_a_score_has_not_answered(
    scores: list[float], tmp_path: Path
) -> None:
    ranked = [{"index": index, "relevance_score": score} for index, score in enumerate(scores)]
    with pytest.raises((KeyError, ValueError)):
        RerankWire.of(checkpoint(tmp_path)).answer(json.dumps({"results": ranked}).encode())


def test_a_prompt_that_puts_the_choice_first_is_no_query_with_documents(tmp_path: Path) -> None:
    directory = checkpoint(tmp_path, prompt={**PROMPT, "order": "cause-first"})
    assert PairTexts.read(directory).pair({**ITEM, "question": "cause"}, "A.")[0] == "Why? A."
    with pytest.raises(CannotAskError, match=r"^cannot run: a reranker reads its one query first"):
        RerankWire.of(directory)
