"""HTTP logits are those of transformers on the same checkpoint, within 1e-4."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import torch
from peft import PeftModel
from tokenizers import Tokenizer
from transformers import XLMRobertaForMultipleChoice

from app.model_settings.sources import SHIPPED_MODELS
from app.weights.variant_config import VariantConfig
from tests.sample import sample_items

ITEMS = sample_items()


@pytest.mark.parametrize("name", ["direct", "stilts"])
def test_http_logits_equal_those_of_transformers(
    client: httpx.Client, embedded_base: Path, name: str
) -> None:
    """The reference shares no code with the service: PEFT unmerged, one padded pair a call."""
    directory = SHIPPED_MODELS / name
    bare = XLMRobertaForMultipleChoice.from_pretrained(embedded_base)
    model = PeftModel.from_pretrained(bare, str(directory)).eval()
    tokenizer = Tokenizer.from_file(str(embedded_base / "tokenizer.json"))
    tokenizer.enable_padding(pad_id=1, pad_token="<pad>")
    prompt = VariantConfig.load(directory).prompt
    response = client.post("/predict/xcopa/batch", json={"items": ITEMS, "model": name})
    predictions = response.json()["predictions"]
    for item, prediction in zip(ITEMS, predictions, strict=True):
        pair = tokenizer.encode_batch(
            [
                prompt.pair(item["premise"], item["question"], item[choice])
                for choice in ("choice1", "choice2")
            ]
        )
        with torch.inference_mode():
            logits = model(
                input_ids=torch.tensor([[encoding.ids for encoding in pair]]),
                attention_mask=torch.tensor([[encoding.attention_mask for encoding in pair]]),
            ).logits[0]
        assert prediction["logits"] == pytest.approx(logits.tolist(), abs=1e-4)
