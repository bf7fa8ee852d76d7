"""What is made of the runs of packed and padded passes."""

from __future__ import annotations

from transformers import XLMRobertaForMultipleChoice

from loadtests.bench.encoder import (
    BatchRun,
    ModelShape,
    arithmetic,
    encoder_weights,
    over_padded,
)
from loadtests.peers.padded_process import PaddedAnswer
from tests import tiny

SHAPE = ModelShape("embedded", "a model", 3, ">= 1.6")


def run(ours: float, theirs: float, tokens: int = 100, apart: float = 1e-6) -> BatchRun:
    return BatchRun(tokens, ours, PaddedAnswer(theirs, 2e9, []), 4e9, apart)


def test_each_batch_is_compared_with_itself() -> None:
    runs = [run(1, 2), run(2, 6, tokens=104), run(1, 4, apart=3e-5)]
    result = over_padded(SHAPE, runs, threads=2)
    assert (result.name, result.target) == ("a model: packed over padded", ">= 1.6")
    assert (result.least, result.value, result.greatest) == (2, 3, 4)
    assert result.details == {"threads": 2, "tokens_a_batch": 101, "logits_apart": 3e-5}


def test_useful_arithmetic_is_two_operations_a_weight_and_token() -> None:
    # 2 x 10 million x 100 tokens in a second are 2 GFLOP/s.
    of_torch, of_best = arithmetic(SHAPE, [run(1, 9)] * 3, weights=10_000_000)
    assert (of_torch.value, of_torch.details) == (1, {"gflops": 2})
    assert (of_best.value, of_best.details) == (0.5, {"gflops": 4})


def test_weights_are_those_of_the_layers_without_biases_and_embeddings() -> None:
    config = tiny.config()
    hidden, inner = config.hidden_size, config.intermediate_size
    layer = 4 * hidden * hidden + 2 * hidden * inner
    expected = config.num_hidden_layers * layer
    assert encoder_weights(XLMRobertaForMultipleChoice(config)) == expected
