"""Anybody's models: three kinds of source load, the rest stop the start with one clear line."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers.normalizers import Lowercase

from app.engine.compute import Compute
from app.engine.encoder import PackedEncoder
from app.engine.lanes import Lanes
from app.engine.memory import working_bytes
from app.engine.target import EXACT, Precision, Target, choose_target
from app.engine.threads import LanePlan
from app.engine.tokenizer import CausalItem
from app.errors import StartError
from app.settings import Settings
from app.weights import checkpoint
from app.weights.checkpoint import locate
from app.weights.embedded import EMBEDDED_BASE
from app.weights.loading import load_model
from app.weights.variant import Variant, load_models, load_variants
from tests import tiny

ROWS = [(0, 9, 8, 7, 2), (0, 5, 2)]


def load(source: Path | str) -> Variant:
    return load_variants({"direct": str(source)}, Path())["direct"]


def table_of(variant: Variant) -> int:
    assert isinstance(variant.engine, PackedEncoder)
    return variant.engine.word_table.data_ptr()


def test_a_variant_says_what_it_is(tiny_direct: Path) -> None:
    located = locate(str(tiny_direct), Path())
    variant = load(tiny_direct)
    assert (variant.name, variant.source) == ("direct", str(tiny_direct))
    assert variant.revision == located.revision()
    assert variant.parameters == sum(p.numel() for p in load_model(located).parameters())


def test_a_cpus_threads_may_share_a_batch_in_lanes(tiny_direct: Path) -> None:
    compute = Compute(plan=LanePlan(2, 1))
    shared = load_variants({"direct": str(tiny_direct)}, Path(), compute)["direct"].engine
    assert isinstance(shared, Lanes)
    assert shared.logits(ROWS) == pytest.approx(load(tiny_direct).engine.logits(ROWS), abs=1e-5)


def test_the_memory_that_a_model_may_take_is_known_and_logged(
    tiny_direct: Path, caplog: pytest.LogCaptureFixture
) -> None:
    alone = load(tiny_direct).working_bytes
    assert alone == working_bytes(tiny.config(), EXACT, tiny.MAX_TOKENS) > 0
    compute = Compute(plan=LanePlan(2, 1))
    with caplog.at_level(logging.INFO):
        variant = load_variants({"direct": str(tiny_direct)}, Path(), compute)["direct"]
    assert variant.working_bytes == 2 * alone
    said = f"{tiny.MAX_TOKENS} tokens a row and, whatever it is asked, takes at most"
    assert f"{said} {2 * alone / 1e6:.0f} MB" in caplog.text


def test_models_are_loaded_as_the_settings_say(
    tiny_direct: Path,
    tiny_stilts: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = {
        "MODELS__DIRECT": str(tiny_direct),
        "MODELS__STILTS": str(tiny_stilts),
        "THREADS": "2",
        "ENGINES": "0",
        "DEVICE": "cpu",
        "PRECISION": "auto",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"XCOPA_{name}", value)
    with caplog.at_level(logging.INFO):
        models = load_models(Settings())
    assert {name: model.source for name, model in models.items()} == {
        "direct": str(tiny_direct),
        "stilts": str(tiny_stilts),
    }
    assert all(isinstance(model.engine, Lanes) for model in models.values())
    assert "2 threads, in 2 lanes: set by XCOPA_THREADS" in caplog.text
    assert f"the models compute on {choose_target('cpu', 'auto').reason}" in caplog.text


def test_the_embedded_base_is_kept_where_the_settings_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tiny.headless(tmp_path / "base")
    monkeypatch.setattr(checkpoint, "ensure_base", {tmp_path / "cache": base}.__getitem__)
    monkeypatch.setenv("XCOPA_MODELS__DIRECT", EMBEDDED_BASE)
    monkeypatch.setenv("XCOPA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("XCOPA_THREADS", "1")
    with pytest.raises(StartError, match=f"XCOPA_MODELS__DIRECT: {base} lacks classifier"):
        load_models(Settings())


def test_a_model_computes_in_the_numbers_that_it_is_told(tiny_direct: Path) -> None:
    compute = Compute(target=Target(precision=Precision.BF16))
    coarse = load_variants({"direct": str(tiny_direct)}, Path(), compute)["direct"].engine
    exact = load(tiny_direct).engine.logits(ROWS)
    assert coarse.logits(ROWS) != pytest.approx(exact, abs=1e-4)
    assert coarse.logits(ROWS) == pytest.approx(exact, abs=0.2)


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
    direct, stilts = load_variants(sources, Path()).values()
    assert table_of(direct) == table_of(stilts)
    assert direct.engine.logits(ROWS) != stilts.engine.logits(ROWS)


def test_tables_that_differ_stay_apart(tiny_direct: Path, tiny_stilts: Path) -> None:
    sources = {"direct": str(tiny_direct), "stilts": str(tiny_stilts)}
    direct, stilts = load_variants(sources, Path()).values()
    assert table_of(direct) != table_of(stilts)


def test_equal_tokenizers_are_in_memory_once(tmp_path: Path) -> None:
    one = tiny.multiple_choice(tmp_path / "one", seed=1)
    other = tiny.multiple_choice(tmp_path / "other", seed=2)
    shutil.copyfile(one / "tokenizer.json", other / "tokenizer.json")
    direct, stilts = load_variants({"direct": str(one), "stilts": str(other)}, Path()).values()
    assert direct.tokenizer == stilts.tokenizer


def test_tokenizers_that_differ_stay_apart(tmp_path: Path, tiny_direct: Path) -> None:
    other = tiny.multiple_choice(tmp_path, seed=2)
    lower = tiny.tokenizer()
    lower.normalizer = Lowercase()
    lower.save(str(other / "tokenizer.json"))
    sources = {"direct": str(tiny_direct), "stilts": str(other)}
    direct, stilts = load_variants(sources, Path()).values()
    item = CausalItem(premise="IT RAINED.", choice1="a", choice2="b", question="effect")
    assert direct.tokenizer.encode([item]) != stilts.tokenizer.encode([item])


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


def _adapter_of_nothing(directory: Path) -> None:
    (directory / "adapter_config.json").write_text("{}", encoding="utf-8")


NOT_FINE_TUNED = (
    "lacks classifier.bias, classifier.weight, roberta.pooler.dense.bias, "
    "roberta.pooler.dense.weight: it is not fine-tuned for multiple choice. Name a fine-tuned "
    "checkpoint, or an adapter that brings the head"
)
NO_LAYER = "config.json must state a pad_token_id, and at least one layer"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: None, "'{}' has no config.json, so it is not a model"),
        (
            _pickle_weights,
            "{} has no model.safetensors; it holds pytorch_model.bin. Only safetensors are read",
        ),
        (_configured(model_type="bert"), "'{}' is a bert model, not xlm-roberta"),
        (_configured(is_decoder=True), "is_decoder must be False in config.json, not True"),
        (
            _configured(add_cross_attention=True),
            "add_cross_attention must be False in config.json, not True",
        ),
        (
            _configured(position_embedding_type="relative_key"),
            "position_embedding_type must be absolute in config.json, not relative_key",
        ),
        (_configured(pad_token_id=None), NO_LAYER),
        (_configured(num_hidden_layers=0), NO_LAYER),
        (_configured(hidden_act="snake"), "cannot load '{}': 'snake'"),
        (
            _configured(num_attention_heads=5),
            "cannot load '{}': The hidden size (32) is not a multiple of the number of attention "
            "heads (5)",
        ),
        (
            _cut_off,
            "{}/model.safetensors is damaged, or no safetensors file: Error while deserializing "
            "header: invalid header length. Fetch or copy it again",
        ),
        (
            _no_tokenizer,
            "{} has no tokenizer.json; save one beside the weights with "
            "AutoTokenizer.from_pretrained(...).save_pretrained(...)",
        ),
        (
            _broken_tokenizer,
            "{}/tokenizer.json is not a tokenizer: Cannot instantiate Tokenizer from buffer: Model "
            "missing. at line 1 column 2",
        ),
        (tiny.headless, "{} " + NOT_FINE_TUNED),
        (
            lambda directory: tiny.classifier(directory, labels=3),
            "a sequence classifier needs one label, this one has 3",
        ),
        (_adapter_without_head, "{}/../base " + NOT_FINE_TUNED),
        (
            _adapter_of_three_labels,
            "{}/adapter_model.safetensors holds base_model.model.classifier.out_proj.weight as "
            "[3, 32], and adapter_config.json on this base needs [1, 32]",
        ),
        (
            _adapter_in_pickle,
            "{} has no adapter_model.safetensors; it holds adapter_model.bin. Only safetensors are "
            "read",
        ),
        (_adapter_of_nothing, "{}/adapter_config.json names no base model"),
        (
            _adapter_without_base,
            "{}/adapter_config.json: base_model_name_or_path: '{}/../base' is not a directory: "
            "there is nothing there",
        ),
    ],
)
def test_a_wrong_source_stops_the_start_with_one_line_that_names_the_variable(
    tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    directory = tmp_path / "model"
    directory.mkdir()
    make(directory)
    with pytest.raises(StartError) as stopped:
        load(directory)
    told = message.replace("{}/..", str(tmp_path)).replace("{}", str(directory))
    assert str(stopped.value) == f"XCOPA_MODELS__DIRECT: {told}"
