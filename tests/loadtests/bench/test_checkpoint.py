"""A variant for servers that know nothing of ours."""

from __future__ import annotations

import pytest
from transformers import XLMRobertaForMultipleChoice

from app.settings import DIRECT, STILTS
from loadtests.bench.checkpoint import exported


@pytest.mark.usefixtures("tiny_settings")
def test_the_variant_that_is_named_is_there_for_transformers_and_gone_afterwards() -> None:
    biases = []
    for variant in (DIRECT, STILTS):
        with exported(variant) as directory:
            model = XLMRobertaForMultipleChoice.from_pretrained(directory)
            biases.append(model.classifier.weight.sum().item())
            assert (directory / "xcopa.json").exists()
        assert not directory.exists()
    assert biases[0] != biases[1]
