"""The network: low-rank layers are PEFT's, heads ask what they should, weights go on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from peft import inject_adapter_in_model
from transformers import XLMRobertaForMultipleChoice, XLMRobertaModel

from models.training.batch import Inputs, make_inputs
from models.training.example_tokenizer import IGNORED, Encoded
from models.training.heads import MASKED_TEXT
from models.training.network import Network, encoder_weights, low_rank
from models.training.publish import publish
from models.training.recipe import Full, LowRank, Phase, PromptWords, Recipe
from models.training.stream import stream
from tests import tiny

HEADS = {
    "multiple-choice": 0,
    "classification:mnli": 3,
    "span:squad2": 0,
    "tagging:ccg": 5,
    MASKED_TEXT: 0,
}
LORA = LowRank(rank=4, alpha=8)
ROWS = ((0, 9, 8, 2), (0, 7, 6, 5, 4, 2), (0, 11, 2), (0, 12, 13, 2))


def recipe(tuning: LowRank | Full) -> Recipe:
    phase = Phase(
        tasks=("copa",),
        learning_rate=1,
        epochs=1,
        batch_tokens=1,
        validation=("copa",),
        evaluations=1,
    )
    return Recipe(
        name="tiny",
        base="somewhere",
        seeds=(1,),
        precision="fp32",
        dropout=0,
        warmup_ratio=0,
        weight_decay=0,
        prompt=PromptWords(cause="Why?", effect="So?"),
        tuning=tuning,
        phases=(phase,),
    )


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.headless(tmp_path_factory.mktemp("base"))


def network(base: Path, tuning: LowRank | Full = LORA) -> Network:
    torch.manual_seed(5)
    made = Network(base, recipe(tuning), HEADS)
    for name, weight in made.trained().items():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    return made


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


def items(*targets: tuple[int, ...]) -> list[Encoded]:
    return [Encoded((row,), target) for row, target in zip(ROWS, targets, strict=False)]


BATCHES = {
    "multiple-choice": [Encoded(ROWS[:2], (1,)), Encoded(ROWS[2:], (0,))],
    "classification:mnli": items((0,), (2,), (1,)),
    "span:squad2": items((1, 2), (0, 0)),
    "tagging:ccg": items((IGNORED, 3, 4, IGNORED), (IGNORED, 0, IGNORED, 1, 2, IGNORED)),
    MASKED_TEXT: items((IGNORED, 9, IGNORED, IGNORED), (IGNORED, IGNORED, 6, IGNORED, 4, IGNORED)),
}
ASKED = {
    "multiple-choice": 2,
    "classification:mnli": 3,
    "span:squad2": 2,
    "tagging:ccg": 5,
    MASKED_TEXT: 3,
}


def inputs(head: str) -> Inputs:
    return make_inputs(head, BATCHES[head], padding_id=1)


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


def test_choices_of_different_number_stand_in_one_batch(base: Path) -> None:
    made = network(base)
    three, one = Encoded(ROWS[:3], (2,)), Encoded(ROWS[3:], (0,))
    both = made(make_inputs("multiple-choice", [three, one], 1))
    alone = made(make_inputs("multiple-choice", [three], 1))
    # An item with a single choice is always right and costs nothing.
    assert both.loss.item() == pytest.approx(alone.loss.item() / 2, abs=1e-5)
    assert both.right == alone.right + 1


def test_flops_count_the_linear_layers_and_the_scores(base: Path) -> None:
    made = network(base)
    hidden, inner, layers = 32, 48, 2
    places = inputs("span:squad2").stream.ids.numel()
    linear = 2 * (4 * hidden**2 + 2 * hidden * inner) * places
    scores = sum(group.rows * group.width**2 for group in inputs("span:squad2").stream.groups)
    assert made.flops(inputs("span:squad2")) == 3 * layers * (linear + 4 * scores * hidden)


@pytest.mark.parametrize("tuning", [LORA, Full()])
def test_what_is_published_scores_as_the_network_does(
    base: Path, tmp_path: Path, tuning: LowRank | Full
) -> None:
    made = network(base, tuning)
    whole = recipe(tuning)
    publish(
        whole, base, {name: weight.detach() for name, weight in made.trained().items()}, tmp_path
    )
    if isinstance(tuning, LowRank):
        from peft import PeftModel  # noqa: PLC0415

        model = PeftModel.from_pretrained(
            XLMRobertaForMultipleChoice.from_pretrained(base), str(tmp_path)
        )
    else:
        model = XLMRobertaForMultipleChoice.from_pretrained(tmp_path)
    ids = torch.tensor([[[*ROWS[0], 1, 1], [*ROWS[1]]]])
    with torch.no_grad():
        theirs = model.eval()(input_ids=ids, attention_mask=(ids != 1).long()).logits[0]
        batch = make_inputs("multiple-choice", [Encoded(ROWS[:2], (0,))], 1)
        ours = made.eval()(batch).loss
    expected = torch.nn.functional.cross_entropy(theirs[None], torch.tensor([0]))
    assert ours.item() == pytest.approx(expected.item(), abs=2e-3), "half precision at the most"
