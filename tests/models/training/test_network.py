"""The network: low-rank layers are PEFT's, only what the recipe says is trained, weights go on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from peft import inject_adapter_in_model
from transformers import XLMRobertaForMaskedLM, XLMRobertaModel

from models.training.batch import make_inputs
from models.training.example_tokenizer import IGNORED, Encoded
from models.training.heads import MASKED_TEXT
from models.training.network import Network, encoder_weights, low_rank
from models.training.recipe import Full, LowRank
from models.training.stream import stream
from tests import tiny
from tests.models.training.networks import HEADS, LORA, PADDING, ROWS, inputs, network, recipe


def test_a_low_rank_layer_computes_what_pefts_does(base: Path) -> None:
    ours = network(base)
    theirs = XLMRobertaModel.from_pretrained(base, add_pooling_layer=False)
    inject_adapter_in_model(low_rank(LORA), theirs)
    places = dict(theirs.named_parameters())
    with torch.no_grad():
        for name, weight in encoder_weights(ours.trained()).items():
            places[name.removeprefix("encoder.")].copy_(weight)
    made = stream(ROWS[:1], 1)
    hidden = ours.encoder.embeddings(input_ids=made.ids, position_ids=made.positions)
    states = ours.encoder.encoder(hidden, batch=made).last_hidden_state[0, : len(ROWS[0])]
    expected = theirs(input_ids=torch.tensor([ROWS[0]])).last_hidden_state[0]
    torch.testing.assert_close(states, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("tuning", "kinds"), [(LORA, {"lora_A", "lora_B"}), (Full(), {"weight", "bias"})]
)
def test_only_what_the_recipe_says_is_trained(
    base: Path, tuning: LowRank | Full, kinds: set[str]
) -> None:
    names = encoder_weights(network(base, tuning).trained())
    assert names
    assert not [name for name in names if ".embeddings." in name]
    assert all(kinds & set(name.split(".")) for name in names)


def test_embeddings_are_trained_where_the_recipe_asks_for_it(base: Path) -> None:
    names = network(base, Full(embeddings=True)).trained()
    assert "encoder.embeddings.word_embeddings.weight" in names


def test_flops_count_the_linear_layers_and_the_scores(base: Path) -> None:
    made = network(base)
    hidden, inner, layers = 32, 48, 2
    places = inputs("span:squad2").stream.ids.numel()
    linear = 2 * (4 * hidden**2 + 2 * hidden * inner) * places
    scores = sum(group.rows * group.width**2 for group in inputs("span:squad2").stream.groups)
    assert made.flops(inputs("span:squad2")) == 3 * layers * (linear + 4 * scores * hidden)


def test_weights_go_from_one_network_to_another_and_stay_the_same(base: Path) -> None:
    made, other = network(base), Network(base, recipe(LORA), HEADS)
    batch = inputs("multiple-choice")
    assert not torch.equal(other(batch).loss, made(batch).loss)
    other.put(made.trained())
    assert torch.equal(other(batch).loss, made(batch).loss)


def test_a_weight_without_a_place_is_told_and_not_left_out(base: Path) -> None:
    small = Network(base, recipe(LORA), {"multiple-choice": 0})
    with pytest.raises(KeyError, match="classification:mnli"):
        small.put(network(base).trained())


def test_masked_text_goes_on_with_the_head_that_its_base_has(tmp_path: Path) -> None:
    """The first loss is that of the pretrained model, and not that of a head drawn anew."""
    pretrained = XLMRobertaForMaskedLM(tiny.config())
    tiny.draw(pretrained, seed=7)
    pretrained.save_pretrained(tmp_path)
    made = Network(tmp_path, recipe(LORA), HEADS).eval()
    rows, target = ROWS[:2], ((IGNORED, 9, IGNORED, IGNORED), (6, *5 * (IGNORED,)))
    ids = torch.tensor([[*rows[0], 1, 1], [*rows[1]]])
    labels = torch.tensor([[*target[0], IGNORED, IGNORED], [*target[1]]])
    with torch.no_grad():
        theirs = pretrained.eval()(input_ids=ids, attention_mask=(ids != 1).long(), labels=labels)
        items = [Encoded((row,), asked) for row, asked in zip(rows, target, strict=True)]
        ours = made(make_inputs(MASKED_TEXT, items, PADDING))
    assert ours.loss.item() == pytest.approx(theirs.loss.item(), rel=1e-4)
