"""Each head asks what it should: of these tokens, over these choices, and of nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import XLMRobertaModel

from models.tasks.example import Head
from models.training.batch import Inputs, make_inputs
from models.training.example_tokenizer import IGNORED, Encoded
from models.training.heads import MASKED_TEXT, BatchResult, head_name, make_head
from tests.models.training.networks import HEADS, PADDING, ROWS, inputs, network

ASKED = {
    "multiple-choice": 2,
    "classification:mnli": 3,
    "span:squad2": 2,
    "tagging:ccg": 5,
    MASKED_TEXT: 3,
}
HIDDEN = 32


@pytest.fixture(scope="module")
def encoder(base: Path) -> XLMRobertaModel:
    return XLMRobertaModel.from_pretrained(base, add_pooling_layer=False)


@pytest.fixture
def heads(encoder: XLMRobertaModel) -> dict[str, Any]:
    """A head of every kind whose parameters, biases among them, are all random."""
    torch.manual_seed(3)
    made: dict[str, Any] = {
        name: make_head(name, labels, encoder) for name, labels in HEADS.items()
    }
    for head in made.values():
        for parameter in head.parameters():
            nn.init.normal_(parameter)
    return made


def states_of(batch: Inputs) -> Tensor:
    """Random states, one a place of the stream; what stands at padding is large and wrong."""
    drawn = torch.randn(
        batch.stream.ids.shape[1], HIDDEN, generator=torch.Generator().manual_seed(7)
    )
    drawn[batch.stream.ids[0] == PADDING] = 1e4
    return drawn


def of_row(states: Tensor, batch: Inputs, row: int) -> Tensor:
    """Return the states of one row's tokens."""
    start = int(batch.stream.starts[row])
    return states[start : start + batch.lengths[row]]


def score(head: Any, first: Tensor) -> Tensor:
    """Return what XLM-R's classifiers make of ``<s>``."""
    dense = functional.linear(first, head.dense.weight, head.dense.bias)
    return functional.linear(torch.tanh(dense), head.projection.weight, head.projection.bias)


def assert_is(answer: BatchResult, logits: list[Tensor], labels: list[int]) -> None:
    """The loss is the mean cross entropy of these, each over its own labels."""
    losses = [
        functional.cross_entropy(each[None], torch.tensor([label]))
        for each, label in zip(logits, labels, strict=True)
    ]
    torch.testing.assert_close(answer.loss, torch.stack(losses).mean())
    right = [int(each.argmax()) == label for each, label in zip(logits, labels, strict=True)]
    assert (answer.right, answer.asked) == (sum(right), len(labels))


@pytest.mark.parametrize("head", HEADS)
def test_a_head_learns_a_batch(base: Path, head: str) -> None:
    made = network(base)
    optimizer = torch.optim.AdamW(list(made.trained().values()), lr=5e-3)
    first = made(inputs(head))
    assert first.asked == ASKED[head]
    for _ in range(60):
        answer = made(inputs(head))
        answer.loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    last = made(inputs(head))
    assert last.loss < first.loss / 4
    assert last.right == last.asked


def test_tasks_of_multiple_choice_share_a_head_and_others_have_their_own() -> None:
    assert head_name(Head.MULTIPLE_CHOICE, "copa") == head_name(Head.MULTIPLE_CHOICE, "piqa")
    assert head_name(Head.CLASSIFICATION, "mnli") == "classification:mnli"
    assert head_name(Head.SPAN, "squad1") != head_name(Head.SPAN, "squad2")


@pytest.mark.parametrize("name", HEADS)
def test_a_new_head_is_drawn_as_wide_as_the_base_says_and_has_no_bias(
    encoder: XLMRobertaModel, name: str
) -> None:
    linear = [each for each in make_head(name, 5, encoder).modules() if isinstance(each, nn.Linear)]
    assert linear
    assert not any(each.bias.any() for each in linear)
    drawn = torch.cat([each.weight.flatten() for each in linear])
    assert drawn.std().item() == pytest.approx(encoder.config.initializer_range, rel=0.4)


def test_choices_compete_within_their_item_alone(heads: dict[str, Any]) -> None:
    two, one_short, three = ROWS[:2], (ROWS[2],), (ROWS[3], ROWS[1], ROWS[0])
    items = [Encoded(two, (1,)), Encoded(one_short, (0,)), Encoded(three, (2,))]
    batch = make_inputs("multiple-choice", items, PADDING)
    states = states_of(batch)
    first = torch.stack([of_row(states, batch, row)[0] for row in range(6)])
    scores = score(heads["multiple-choice"], first)[:, 0]
    expected = [scores[:2], scores[2:3], scores[3:]]
    assert_is(heads["multiple-choice"](states, batch), expected, [1, 0, 2])


def test_an_item_with_a_single_choice_is_right_and_costs_nothing(base: Path) -> None:
    made = network(base)
    three, one = Encoded(ROWS[:3], (2,)), Encoded(ROWS[3:], (0,))
    both = made(make_inputs("multiple-choice", [three, one], PADDING))
    alone = made(make_inputs("multiple-choice", [three], PADDING))
    assert both.loss.item() == pytest.approx(alone.loss.item() / 2, abs=1e-5)
    assert both.right == alone.right + 1


def test_a_sentence_is_classified_by_its_first_token(heads: dict[str, Any]) -> None:
    batch = inputs("classification:mnli")
    states = states_of(batch)
    logits = [
        score(heads["classification:mnli"], of_row(states, batch, row)[0]) for row in range(3)
    ]
    assert_is(heads["classification:mnli"](states, batch), logits, [0, 2, 1])


def span(heads: dict[str, Any], batch: Inputs) -> tuple[list[Tensor], list[Tensor]]:
    """Return the scores of each row's tokens to begin and to end the answer."""
    states, projection = states_of(batch), heads["span:squad2"].projection
    rows = [projection(of_row(states, batch, row)) for row in range(len(batch.lengths))]
    return [row[:, 0] for row in rows], [row[:, 1] for row in rows]


def test_an_answer_lies_within_its_row_and_both_of_its_ends_count(heads: dict[str, Any]) -> None:
    starts, stops = span(heads, inputs("span:squad2"))
    batch = make_inputs(
        "span:squad2", [Encoded((ROWS[0],), (1, 2)), Encoded((ROWS[1],), (0, 0))], 1
    )
    answer = heads["span:squad2"](states_of(batch), batch)
    losses = [
        functional.cross_entropy(scores[row][None], torch.tensor([target]))
        for scores, targets in ((starts, (1, 0)), (stops, (2, 0)))
        for row, target in enumerate(targets)
    ]
    torch.testing.assert_close(answer.loss, torch.stack(losses).mean())


def test_an_answer_is_right_when_both_of_its_ends_are(heads: dict[str, Any]) -> None:
    starts, stops = (
        [int(scores.argmax()) for scores in ends] for ends in span(heads, inputs("span:squad2"))
    )

    def right(first: int, last: int) -> int:
        items = [Encoded((ROWS[0],), (first, last)), Encoded((ROWS[1],), (starts[1], stops[1]))]
        batch = make_inputs("span:squad2", items, PADDING)
        answer: BatchResult = heads["span:squad2"](states_of(batch), batch)
        assert answer.asked == 2
        return answer.right

    assert right(starts[0], stops[0]) == 2
    assert right((starts[0] + 1) % len(ROWS[0]), stops[0]) == 1
    assert right(starts[0], (stops[0] + 1) % len(ROWS[0])) == 1


@pytest.mark.parametrize("name", ["tagging:ccg", MASKED_TEXT])
def test_only_tokens_that_are_asked_about_are_answered(heads: dict[str, Any], name: str) -> None:
    batch, head = inputs(name), heads[name]
    states = states_of(batch)
    logits, labels = [], []
    for row, target in enumerate(batch.targets):
        for place, label in enumerate(target.tolist()):
            if label != IGNORED:
                logits.append(token_logits(head, of_row(states, batch, row)[place]))
                labels.append(label)
    assert len(labels) == ASKED[name]
    assert_is(head(states, batch), logits, labels)


def token_logits(head: Any, state: Tensor) -> Tensor:
    """Return a token's logits: of each tag, or of each piece."""
    if hasattr(head, "projection"):
        return functional.linear(state, head.projection.weight, head.projection.bias)
    [table] = head._table
    norm = head.norm
    inner = functional.gelu(functional.linear(state, head.dense.weight, head.dense.bias))
    normed = functional.layer_norm(inner, (HIDDEN,), norm.weight, norm.bias, norm.eps)
    logits: Tensor = table.weight @ normed + head.bias
    return logits


def test_a_batch_that_asks_about_no_token_costs_nothing_and_breaks_nothing(base: Path) -> None:
    made = network(base)
    answer = made(make_inputs("tagging:ccg", [Encoded((ROWS[0],), (IGNORED,) * 4)], PADDING))
    assert (answer.loss.item(), answer.right, answer.asked) == (0.0, 0, 0)
    answer.loss.backward()
    gradients = [weight.grad for weight in made.trained().values() if weight.grad is not None]
    assert gradients
    assert not any(gradient.any() for gradient in gradients), "zero, and no NaN"


def test_the_table_of_masked_text_is_the_embeddings_and_no_weight_of_the_head(base: Path) -> None:
    made = network(base)
    head: Any = made.heads[MASKED_TEXT]
    assert head._table[0] is made.encoder.embeddings.word_embeddings
    own = [name for name, _ in head.named_parameters()]
    assert sorted(own) == ["bias", "dense.bias", "dense.weight", "norm.bias", "norm.weight"]
