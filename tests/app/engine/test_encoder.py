"""The forward pass against transformers' own, alone and in company."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import XLMRobertaForMultipleChoice

from app.engine.encoder import PaddedEncoder

ROWS = [(0, 7, 8, 9, 2), (0, 7, 2), (0, *range(5, 40), 2)]


@pytest.fixture(scope="module")
def model(tiny_direct: Path) -> XLMRobertaForMultipleChoice:
    return XLMRobertaForMultipleChoice.from_pretrained(tiny_direct).eval()


def test_logits_are_those_of_transformers(model: XLMRobertaForMultipleChoice) -> None:
    with torch.no_grad():
        expected = [model(input_ids=torch.tensor([[row]])).logits.item() for row in ROWS]
    assert PaddedEncoder(model).logits(ROWS) == pytest.approx(expected, abs=1e-5)


def test_a_row_gets_the_same_logit_alone_and_in_any_company(
    model: XLMRobertaForMultipleChoice,
) -> None:
    encoder = PaddedEncoder(model)
    together = encoder.logits([*ROWS, *reversed(ROWS)])
    alone = [encoder.logits([row])[0] for row in ROWS]
    assert together == pytest.approx([*alone, *reversed(alone)], abs=1e-5)


def test_no_rows_make_no_logits(model: XLMRobertaForMultipleChoice) -> None:
    assert PaddedEncoder(model).logits([]) == []
