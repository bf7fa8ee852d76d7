"""Anybody's models: three kinds of source load, the rest stop the start with one clear line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import XLMRobertaForMultipleChoice, XLMRobertaForSequenceClassification

from app.errors import StartError
from app.weights.loading import EMBEDDED_BASE, Variant, load_variant, load_variants
from tests import tiny

ROWS = [(0, 9, 8, 7, 2), (0, 5, 2)]


def no_base() -> Path:
    raise AssertionError("nothing asked for the embedded base")


def load(source: Path | str) -> Variant:
    return load_variant("direct", str(source), no_base)


def test_a_multiple_choice_checkpoint_is_served_as_it_is(tiny_direct: Path) -> None:
    model = XLMRobertaForMultipleChoice.from_pretrained(tiny_direct).eval()
    expected = [model(torch.tensor([[row]])).logits.item() for row in ROWS]
    assert load(tiny_direct).engine.logits(ROWS) == pytest.approx(expected, abs=1e-5)


def test_a_one_label_classifier_gives_its_own_logits(tmp_path: Path) -> None:
    directory = tiny.classifier(tmp_path)
    model = XLMRobertaForSequenceClassification.from_pretrained(directory).eval()
    expected = [model(torch.tensor([row])).logits.item() for row in ROWS]
    assert load(directory).engine.logits(ROWS) == pytest.approx(expected, abs=1e-5)


def test_an_adapter_is_merged_into_its_base(tmp_path: Path) -> None:
    base = tiny.headless(tmp_path / "base")
    directory = tiny.adapter(tmp_path / "adapter", base)
    served = load(directory)
    model = XLMRobertaForMultipleChoice.from_pretrained(base)
    adapted = PeftModel.from_pretrained(model, str(directory)).eval()
    expected = [adapted(input_ids=torch.tensor([[row]])).logits.item() for row in ROWS]
    assert served.engine.logits(ROWS) == pytest.approx(expected, abs=1e-5)


def test_a_one_label_classifier_adapter_works_on_a_base_that_states_no_labels(
    tmp_path: Path,
) -> None:
    base = tiny.headless(tmp_path / "base")
    directory = tiny.classifier_adapter(tmp_path / "adapter", base)
    model = XLMRobertaForSequenceClassification.from_pretrained(base, num_labels=1)
    adapted = PeftModel.from_pretrained(model, str(directory)).eval()
    expected = [adapted(input_ids=torch.tensor([row])).logits.item() for row in ROWS]
    assert load(directory).engine.logits(ROWS) == pytest.approx(expected, abs=1e-5)


def test_an_adapter_may_name_the_embedded_base(tmp_path: Path) -> None:
    base = tiny.headless(tmp_path / "base")
    directory = tiny.adapter(tmp_path / "adapter", base)
    named = load(directory)
    config = json.loads((directory / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = EMBEDDED_BASE
    (directory / "adapter_config.json").write_text(json.dumps(config))
    embedded = load_variant("direct", str(directory), lambda: base)
    assert embedded.engine.logits(ROWS) == named.engine.logits(ROWS)


def test_the_prompt_and_the_limit_come_from_the_checkpoint(tmp_path: Path) -> None:
    directory = tiny.multiple_choice(tmp_path)
    words = {"prompt": {"cause": "Pourquoi ?", "effect": "Et alors ?"}}
    (directory / "xcopa.json").write_text(json.dumps(words), encoding="utf-8")
    served = load(directory)
    assert served.tokenizer.prompt.cause == "Pourquoi ?"
    assert served.tokenizer.max_tokens == tiny.MAX_TOKENS


def test_an_embedding_table_that_both_share_is_in_memory_once(tmp_path: Path) -> None:
    base = tiny.headless(tmp_path / "base")
    sources = {
        "direct": str(tiny.adapter(tmp_path / "one", base, seed=2)),
        "stilts": str(tiny.adapter(tmp_path / "two", base, seed=3)),
    }
    direct, stilts = load_variants(sources, no_base).values()
    tables = [variant.engine.word_table for variant in (direct, stilts)]
    assert tables[0].data_ptr() == tables[1].data_ptr()
    assert direct.engine.logits(ROWS) != stilts.engine.logits(ROWS)


def test_tables_that_differ_stay_apart(tiny_direct: Path, tiny_stilts: Path) -> None:
    sources = {"direct": str(tiny_direct), "stilts": str(tiny_stilts)}
    direct, stilts = load_variants(sources, no_base).values()
    tables = [variant.engine.word_table for variant in (direct, stilts)]
    assert tables[0].data_ptr() != tables[1].data_ptr()


def test_the_revision_follows_the_weights_and_nothing_else(tmp_path: Path) -> None:
    one = tiny.multiple_choice(tmp_path / "one", seed=1)
    same = tiny.multiple_choice(tmp_path / "same", seed=1)
    (same / "README.md").write_text("A model card.", encoding="utf-8")
    other = tiny.multiple_choice(tmp_path / "other", seed=2)
    revisions = [load(directory).revision for directory in (one, same, other)]
    assert revisions[0] == revisions[1] != revisions[2]


def test_a_changed_adapter_scale_is_another_revision(tmp_path: Path) -> None:
    directory = tiny.adapter(tmp_path / "adapter", tiny.headless(tmp_path / "base"))
    before = load(directory).revision
    config = json.loads((directory / "adapter_config.json").read_text())
    config["lora_alpha"] *= 2
    (directory / "adapter_config.json").write_text(json.dumps(config))
    assert load(directory).revision != before


def _pickle_weights(directory: Path) -> None:
    tiny.multiple_choice(directory)
    (directory / "model.safetensors").unlink()
    torch.save({}, directory / "pytorch_model.bin")


def _configured(**changes: object) -> Callable[[Path], None]:
    def make(directory: Path) -> None:
        tiny.multiple_choice(directory)
        config = json.loads((directory / "config.json").read_text())
        (directory / "config.json").write_text(json.dumps({**config, **changes}))

    return make


def _cut_off(directory: Path) -> None:
    tiny.multiple_choice(directory)
    weights = directory / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])


def _no_tokenizer(directory: Path) -> None:
    tiny.multiple_choice(directory)
    (directory / "tokenizer.json").unlink()


def _broken_tokenizer(directory: Path) -> None:
    tiny.multiple_choice(directory)
    (directory / "tokenizer.json").write_text("{}", encoding="utf-8")


def _adapter_without_head(directory: Path) -> None:
    base = tiny.headless(directory.parent / "base")
    tiny.adapter(directory, base, with_head=False)


def _adapter_of_three_labels(directory: Path) -> None:
    tiny.classifier_adapter(directory, tiny.headless(directory.parent / "base"), labels=3)


def _adapter_in_pickle(directory: Path) -> None:
    tiny.adapter(directory, tiny.headless(directory.parent / "base"))
    (directory / "adapter_model.safetensors").rename(directory / "adapter_model.bin")


def _adapter_without_base(directory: Path) -> None:
    base = tiny.headless(directory.parent / "base")
    tiny.adapter(directory, base)
    shutil.rmtree(base)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda _: None, "has no config.json"),
        (_pickle_weights, "no safetensors"),
        (_configured(model_type="bert"), "is a bert model"),
        (_configured(is_decoder=True), "is_decoder must be False"),
        (_configured(position_embedding_type="relative_key"), "must be absolute"),
        (_configured(pad_token_id=None), "pad_token_id"),
        (_configured(num_hidden_layers=0), "layers"),
        (_configured(hidden_act="snake"), "cannot load"),
        (_cut_off, "cannot load"),
        (_no_tokenizer, "has no tokenizer.json"),
        (_broken_tokenizer, "is not a tokenizer"),
        (tiny.headless, "not fine-tuned for multiple choice"),
        (lambda directory: tiny.classifier(directory, labels=3), "has 3"),
        (_adapter_without_head, "not fine-tuned for multiple choice"),
        (_adapter_of_three_labels, "cannot load"),
        (_adapter_in_pickle, "no adapter_model.safetensors"),
        (_adapter_without_base, "is not a directory"),
    ],
)
def test_a_wrong_source_stops_the_start_with_one_line_that_names_the_variable(
    tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    directory = tmp_path / "model"
    directory.mkdir()
    make(directory)
    with pytest.raises(StartError) as stopped:
        load(directory)
    message = str(stopped.value)
    assert message.startswith("XCOPA_MODELS__DIRECT")
    assert reason in message
    assert "\n" not in message


@pytest.mark.parametrize("source", ["/nowhere/at/all", "./missing", "not a hub id"])
def test_a_directory_that_is_missing_is_said_to_be(source: str) -> None:
    with pytest.raises(StartError, match="is not a directory"):
        load(source)
