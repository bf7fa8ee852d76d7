"""An adapter's weights all have a place on the base, and its places all have weights."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import XLMRobertaForMultipleChoice

from app.engine.adapted import adapted_layers, merge_adapters
from app.weights.checkpoint import locate
from app.weights.loading import load_model
from tests import tiny
from tests.app.weights.rewriting import (
    UNWRAP,
    Change,
    configure,
    having,
    refusal,
    renamed,
    rewrite,
    with_value,
    without,
)
from tests.oracle import PaddedOracle

MODEL = "base_model.model"
ATTENTION = f"{MODEL}.roberta.encoder.layer.0.attention.self"
LORA_A = f"{ATTENTION}.query.lora_A.weight"
LORA_B = f"{ATTENTION}.query.lora_B.weight"
VALUES = [f"{MODEL}.roberta.encoder.layer.{n}.attention.self.value.lora_" for n in (0, 1)]
HEAD = f"{MODEL}.classifier.weight"
FIRST_FOUR = f"{MODEL}.classifier.bias, {HEAD}, {LORA_A}, {LORA_B}"
FILE = "adapter_model.safetensors"


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    return tiny.adapter(tmp_path / "adapter", tiny.headless(tmp_path / "base"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # torch.compile, DistributedDataParallel, a model that was wrapped once too little.
        (f"{MODEL}.", f"{MODEL}._orig_mod."),
        (f"{MODEL}.", f"module.{MODEL}."),
        (f"{MODEL}.", ""),
    ],
)
def test_an_adapter_whose_weights_fit_nowhere_served_the_bare_base(
    adapter: Path, old: str, new: str
) -> None:
    rewrite(adapter / FILE, renamed(old, new))
    assert refusal(adapter) == (
        f"{adapter / FILE} lacks 12 of 12 weights: {FIRST_FOUR} and 8 more; it holds "
        f"{FIRST_FOUR.replace(old, new)} and 8 more, which fit nowhere: {UNWRAP}"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without(LORA_A), f"lacks 1 of 12 weights: {LORA_A}"),
        (without(LORA_B), f"lacks 1 of 12 weights: {LORA_B}"),
        (without(HEAD), f"lacks 1 of 12 weights: {HEAD}"),
        (
            renamed(LORA_A, LORA_A.replace("lora_A", "lora_A.default")),
            f"lacks 1 of 12 weights: {LORA_A}; it holds {ATTENTION}.query.lora_A.default.weight, "
            f"which fit nowhere: {UNWRAP}",
        ),
        (
            having(base_model__model__stray__lora_A__weight=torch.ones(4, 32)),
            f"holds weights that fit nowhere: {MODEL}.stray.lora_A.weight",
        ),
        (with_value(LORA_A, float("nan")), f"holds NaN or infinity in {LORA_A}"),
        (with_value(LORA_B, float("inf")), f"holds NaN or infinity in {LORA_B}"),
    ],
)
def test_an_adapter_that_is_not_whole_is_refused_by_name(
    adapter: Path, change: Change, message: str
) -> None:
    rewrite(adapter / FILE, change)
    assert refusal(adapter) == f"{adapter / FILE} {message}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"r": 8},
            f"holds {LORA_A} as [4, 32], and adapter_config.json on this base needs [8, 32]",
        ),
        (
            {"target_modules": ["query"]},
            f"holds weights that fit nowhere: {VALUES[0]}A.weight, {VALUES[0]}B.weight, "
            f"{VALUES[1]}A.weight, {VALUES[1]}B.weight",
        ),
        (
            {"target_modules": ["query", "value", "attention.output.dense"]},
            "lacks 4 of 16 weights: "
            + ", ".join(
                f"{MODEL}.roberta.encoder.layer.{n}.attention.output.dense.lora_{part}.weight"
                for n in (0, 1)
                for part in "AB"
            ),
        ),
        (
            {"use_dora": True},
            "lacks 4 of 16 weights: "
            + ", ".join(
                f"{MODEL}.roberta.encoder.layer.{n}.attention.self.{part}.lora_magnitude_vector"
                for n in (0, 1)
                for part in ("query", "value")
            ),
        ),
    ],
)
def test_an_adapter_that_is_not_what_its_config_says_is_refused(
    adapter: Path, changes: dict[str, object], message: str
) -> None:
    configure(adapter / "adapter_config.json", **changes)
    assert refusal(adapter) == f"{adapter / FILE} {message}"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"target_modules": ["q_proj"]}, "No modules were targeted"),
        ({"peft_type": "NO_SUCH"}, "NO_SUCH"),
    ],
)
def test_what_peft_itself_refuses_is_repeated_with_the_source(
    adapter: Path, changes: dict[str, object], named: str
) -> None:
    configure(adapter / "adapter_config.json", **changes)
    said = refusal(adapter)
    assert said.startswith(f"cannot load '{adapter}': ")
    assert named in said


def test_a_head_that_neither_the_base_nor_the_adapter_has_is_named(adapter: Path) -> None:
    configure(adapter / "adapter_config.json", modules_to_save=["classifier"])
    base = adapter.parent / "base"
    assert refusal(adapter) == (
        f"{base} lacks roberta.pooler.dense.bias, roberta.pooler.dense.weight: it is not "
        "fine-tuned for multiple choice. Name a fine-tuned checkpoint, or an adapter that brings "
        "the head"
    )


def test_an_adapter_on_a_base_of_another_size_is_refused(adapter: Path) -> None:
    base = adapter.parent / "base"
    tiny.drawn_multiple_choice(1, hidden_size=64).roberta.save_pretrained(base)
    assert refusal(adapter) == (
        f"{adapter / FILE} holds {LORA_A} as [4, 32], and adapter_config.json on this base needs "
        "[4, 64]"
    )


def test_an_adapter_on_a_base_that_lacks_a_layer_is_refused(adapter: Path) -> None:
    query = "encoder.layer.0.attention.self.query.weight"
    rewrite(adapter.parent / "base" / "model.safetensors", without(query))
    assert refusal(adapter) == (
        f"{adapter.parent / 'base'} lacks roberta.{query}: its config.json describes another "
        f"model, or {UNWRAP}"
    )


def test_the_head_of_the_adapter_goes_before_that_of_its_base(tmp_path: Path) -> None:
    """A head of another shape in the base is replaced, so it is no fault of it."""
    base = tiny.multiple_choice(tmp_path / "base")
    adapter = tiny.adapter(tmp_path / "adapter", tiny.headless(tmp_path / "headless"))
    configure(adapter / "adapter_config.json", base_model_name_or_path=str(base))
    rewrite(base / "model.safetensors", having(classifier__weight=torch.ones(3, 32)))
    model = load_model(locate(str(adapter), Path()))
    assert model.classifier.weight.shape == (1, 32)


def test_a_merged_adapter_leaves_no_trace_and_no_warning(adapter: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = load_model(locate(str(adapter), Path()))
    assert type(model) is XLMRobertaForMultipleChoice
    assert not any("lora" in name for name, _ in model.named_parameters())


# Beside its base -----------------------------------------------------------------------------

LAYER = "roberta.encoder.layer"
Q_AND_V = [f"{LAYER}.{n}.attention.self.{part}" for n in (0, 1) for part in ("query", "value")]


def saved(directory: Path, base: Path, **changes: Any) -> Path:
    """Write an adapter with drawn weights, of the kind that the changes say."""
    torch.manual_seed(4)
    model = XLMRobertaForMultipleChoice.from_pretrained(base)
    described = {
        "r": 4,
        "lora_alpha": 6,
        "target_modules": ["query", "value"],
        "init_lora_weights": False,
        "modules_to_save": ["pooler", "classifier"],
    }
    made = get_peft_model(model, LoraConfig(**(described | changes)))
    for name, parameter in made.named_parameters():
        if parameter.requires_grad and name.endswith("bias"):
            parameter.data.normal_()
    made.save_pretrained(str(directory))
    return directory


# PEFT takes the bias of `lora_bias` for a part of a weight.
@pytest.mark.filterwarnings("ignore:.*invalid shape")
@pytest.mark.parametrize(
    ("changes", "layers"),
    [
        ({}, Q_AND_V),
        ({"use_rslora": True}, Q_AND_V),
        ({"rank_pattern": {"query": 2}, "alpha_pattern": {"value": 3}}, Q_AND_V),
        ({"layers_to_transform": [1]}, Q_AND_V[2:]),
        ({"bias": "lora_only"}, Q_AND_V),
        # More than two factors, or not in the encoder.
        ({"use_dora": True}, []),
        ({"lora_bias": True}, []),
        ({"target_modules": ["query", "word_embeddings"]}, []),
        ({"target_modules": ["query", "pooler.dense"], "modules_to_save": None}, []),
    ],
)
def test_apart_or_merged_it_answers_alike(
    tmp_path: Path, changes: dict[str, Any], layers: list[str]
) -> None:
    """What is more than LoRA on linear layers of the encoder is merged whatever is asked for."""
    base = tiny.multiple_choice(tmp_path / "base")
    checkpoint = locate(str(saved(tmp_path / "adapter", base, **changes)), Path())
    merged, apart = load_model(checkpoint), load_model(checkpoint, apart=True)
    assert not adapted_layers(merged)
    assert list(adapted_layers(apart)) == layers
    assert not any("lora" in name for name, _ in apart.named_modules())
    rows = [[0, 5, 9, 2], [0, *range(20, 50), 2]]
    expected = PaddedOracle(merged).logits(rows)
    assert PaddedOracle(apart).logits(rows) == pytest.approx(expected, abs=1e-5)
    merge_adapters(apart)
    assert PaddedOracle(apart).logits(rows) == expected
