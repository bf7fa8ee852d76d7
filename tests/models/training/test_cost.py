"""What a phase will take is what it takes: tokens and FLOPs exactly, memory by what is saved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.training.batch import make_inputs
from models.training.cost import activation_bytes, memory, phase_cost
from models.training.done import DonePhase
from models.training.example_tokenizer import Encoded
from models.training.flops import places_and_scores
from models.training.network import Network
from models.training.prepare import prepare
from models.training.recipe import Full, LowRank
from models.training.stream import group_shapes
from tests import tiny
from tests.models.training.networks import LORA, PADDING, phase, recipe
from tests.models.training.small import PHASE, first, go, small_run, with_recipe

LENGTHS = (12, 30, 31, 7, 90, 64)


@pytest.mark.parametrize("length", [{"epochs": 1.5}, {"epochs": None, "steps": 7}])
def test_tokens_and_flops_are_those_of_the_run(
    tmp_path: Path, length: dict[str, float | None]
) -> None:
    text = {"files": [str(tmp_path / "data" / "text.txt")], "share": 0.4}
    run = small_run(tmp_path)
    run = with_recipe(run, phases=(first(**length, masked_text=text), phase(**PHASE)))
    prepared = prepare(run)
    go(run)
    for phase_run in prepared.phases(3):
        cost = phase_cost(phase_run, prepared.config)
        progress = DonePhase.read(phase_run.folder).progress
        assert (cost.tokens, cost.flops) == (progress.tokens, progress.flops)
        assert cost.memory.weights > cost.memory.gradients > 0


def saved_bytes(base: Path, layers: int, dropout: float, tuning: LowRank | Full) -> int:
    """Count what autograd keeps of one batch, parameters left out, each storage once."""
    tiny.drawn_multiple_choice(1, num_hidden_layers=layers).roberta.save_pretrained(base)
    network = Network(base, recipe(tuning, dropout=dropout), {"multiple-choice": 0})
    network.train()
    own = {weight.untyped_storage().data_ptr() for weight in network.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own and tensor.numel() > 1:
            kept[storage.data_ptr()] = storage
        return tensor

    rows = tuple(tuple(range(2, 2 + length)) for length in LENGTHS)
    batch = make_inputs("multiple-choice", [Encoded(rows, (0,))], PADDING)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        result = network(batch)
    assert result.loss.requires_grad
    return sum(storage.nbytes() for storage in kept.values())


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("tuning", [LORA, Full(embeddings=True)])
def test_activations_are_what_autograd_keeps_of_a_layer(
    tmp_path: Path, dropout: float, tuning: LowRank | Full
) -> None:
    """The fourth layer against the third: embeddings and head are no part of it."""
    more = saved_bytes(tmp_path, 4, dropout, tuning) - saved_bytes(tmp_path, 3, dropout, tuning)
    one = tiny.config(num_hidden_layers=1)
    groups = group_shapes(LENGTHS)
    said = activation_bytes(one, recipe(tuning, dropout=dropout), groups)
    if dropout:  # a mask has a byte an element on a GPU, and four here
        places, scores = places_and_scores(groups)
        said += 3 * (2 * 32 * places + 4 * scores)
    assert more == pytest.approx(said, rel=0.03)


def test_in_bf16_places_take_less_and_weights_are_cast() -> None:
    one, groups = tiny.config(num_hidden_layers=1), [(1, 1)]
    linear = 32 * (4 * 32 + 2 * 48)
    bf16 = recipe(Full(), precision="bf16", dropout=0.1)
    assert activation_bytes(one, bf16, groups) == 26 * 32 + 4 * 48 + 4 * 7 + 2 * linear
    two = tiny.config(num_hidden_layers=2)
    assert activation_bytes(two, bf16, groups) == 2 * activation_bytes(one, bf16, groups)


def test_several_processes_keep_their_gradients_twice() -> None:
    alone = memory(100, 10, 7)
    assert (alone.weights, alone.gradients, alone.moments, alone.activations) == (100, 10, 20, 7)
    assert alone.total == 137
    assert memory(100, 10, 7, processes=2) == replace(alone, gradients=20)
