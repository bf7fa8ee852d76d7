"""The files of a checkpoint become the model that transformers makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import (
    XLMRobertaConfig,
    XLMRobertaForMultipleChoice,
    XLMRobertaForSequenceClassification,
)

from app.weights.checkpoint import locate
from app.weights.loading import load_model, max_tokens
from tests import tiny
from tests.app.weights.rewriting import configure, refusal

ROWS = [(0, 9, 8, 7, 2), (0, 5, 2)]


def logits(source: Path) -> list[float]:
    model = load_model(locate(str(source), Path()))
    return [model(torch.tensor([[row]])).logits.item() for row in ROWS]


def test_a_multiple_choice_checkpoint_is_loaded_as_it_is(tiny_direct: Path) -> None:
    model = XLMRobertaForMultipleChoice.from_pretrained(tiny_direct).eval()
    expected = [model(torch.tensor([[row]])).logits.item() for row in ROWS]
    assert logits(tiny_direct) == pytest.approx(expected, abs=1e-5)


def test_a_one_label_classifier_gives_its_own_logits(tmp_path: Path) -> None:
    directory = tiny.classifier(tmp_path)
    model = XLMRobertaForSequenceClassification.from_pretrained(directory).eval()
    expected = [model(torch.tensor([row])).logits.item() for row in ROWS]
    assert logits(directory) == pytest.approx(expected, abs=1e-5)


def test_an_adapter_is_merged_into_its_base(tmp_path: Path) -> None:
    base = tiny.headless(tmp_path / "base")
    directory = tiny.adapter(tmp_path / "adapter", base)
    model = XLMRobertaForMultipleChoice.from_pretrained(base)
    adapted = PeftModel.from_pretrained(model, str(directory)).eval()
    expected = [adapted(input_ids=torch.tensor([[row]])).logits.item() for row in ROWS]
    assert logits(directory) == pytest.approx(expected, abs=1e-5)


def test_a_one_label_classifier_adapter_works_on_a_base_that_states_no_labels(
    tmp_path: Path,
) -> None:
    base = tiny.headless(tmp_path / "base")
    directory = tiny.classifier_adapter(tmp_path / "adapter", base)
    model = XLMRobertaForSequenceClassification.from_pretrained(base, num_labels=1)
    adapted = PeftModel.from_pretrained(model, str(directory)).eval()
    expected = [adapted(input_ids=torch.tensor([row])).logits.item() for row in ROWS]
    assert logits(directory) == pytest.approx(expected, abs=1e-5)


def test_a_classifiers_adapter_need_not_say_that_it_brings_the_head(tmp_path: Path) -> None:
    """PEFT adds it for that task, whatever ``modules_to_save`` says."""
    base = tiny.headless(tmp_path / "base")
    directory = tiny.classifier_adapter(tmp_path / "adapter", base)
    before = logits(directory)
    configure(directory / "adapter_config.json", modules_to_save=None)
    assert logits(directory) == before


def test_a_config_that_names_no_architecture_is_a_multiple_choice_models(
    tmp_path: Path, tiny_direct: Path
) -> None:
    directory = tiny.multiple_choice(tmp_path)
    configure(directory / "config.json", architectures=None)
    assert logits(directory) == logits(tiny_direct)


def test_a_model_of_one_layer_is_loaded(tmp_path: Path) -> None:
    model = tiny.drawn_multiple_choice(1, num_hidden_layers=1).eval()
    model.save_pretrained(tmp_path)
    expected = [model(torch.tensor([[row]])).logits.item() for row in ROWS]
    assert logits(tmp_path) == pytest.approx(expected, abs=1e-5)


def test_a_long_reason_of_a_library_is_cut_off(tmp_path: Path) -> None:
    directory = tiny.multiple_choice(tmp_path)
    configure(directory / "config.json", hidden_size="wide " * 1000)
    said = refusal(directory)
    assert said.startswith(f"cannot load '{directory}': ")
    assert len(said) < 400


def test_a_loaded_model_is_ready_for_inference_alone(tiny_direct: Path) -> None:
    model = load_model(locate(str(tiny_direct), Path()))
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_the_longest_row_leaves_out_the_positions_before_the_first_one() -> None:
    assert max_tokens(XLMRobertaConfig(max_position_embeddings=514, pad_token_id=1)) == 512
