"""Weights that do not fit their model are refused by name; a model is never served by halves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from app.errors import StartError
from app.weights.checkpoint import locate
from app.weights.loading import load_model
from tests import tiny

Tensors = dict[str, Tensor]
Change = Callable[[Tensors], Tensors]

LORA_A = "base_model.model.roberta.encoder.layer.0.attention.self.query.lora_A.weight"
LORA_B = LORA_A.replace("lora_A", "lora_B")
ADAPTER_HEAD = "base_model.model.classifier.weight"
QUERY = "roberta.encoder.layer.0.attention.self.query.weight"


def rewrite(path: Path, change: Change) -> None:
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def configure(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}), encoding="utf-8")


def refusal(directory: Path) -> str:
    with pytest.raises(StartError) as stopped:
        load_model(locate(str(directory), Path()))
    message = str(stopped.value)
    assert "\n" not in message
    return message


def renamed(old: str, new: str) -> Change:
    return lambda tensors: {name.replace(old, new): each for name, each in tensors.items()}


def without(*names: str) -> Change:
    return lambda tensors: {name: each for name, each in tensors.items() if name not in names}


def having(**more: Tensor) -> Change:
    return lambda tensors: {**tensors, **{name.replace("__", "."): t for name, t in more.items()}}


def with_value(name: str, value: float) -> Change:
    def change(tensors: Tensors) -> Tensors:
        tensors[name][0, 0] = value
        return tensors

    return change


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    return tiny.adapter(tmp_path / "adapter", tiny.headless(tmp_path / "base"))


@pytest.fixture
def full(tmp_path: Path) -> Path:
    return tiny.multiple_choice(tmp_path / "full")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        # torch.compile, DistributedDataParallel, a model that was wrapped once too little.
        (renamed("base_model.model.", "base_model.model._orig_mod."), "_orig_mod"),
        (renamed("base_model.model.", "module.base_model.model."), "module.base_model"),
        (renamed("base_model.model.", ""), "roberta.encoder"),
        (renamed("lora_A.weight", "lora_A.default.weight"), "lora_A.default"),
        (without(LORA_A), f"lacks 1 of 12 weights: {LORA_A}"),
        (without(LORA_B), f"lacks 1 of 12 weights: {LORA_B}"),
        (without(ADAPTER_HEAD), ADAPTER_HEAD),
        (having(base_model__model__stray__lora_A__weight=torch.ones(4, 32)), "stray"),
        (with_value(LORA_A, float("nan")), "holds NaN or infinity in " + LORA_A),
        (with_value(LORA_B, float("inf")), "holds NaN or infinity in " + LORA_B),
    ],
)
def test_an_adapter_whose_weights_fit_nowhere_served_the_bare_base(
    adapter: Path, change: Change, named: str
) -> None:
    rewrite(adapter / "adapter_model.safetensors", change)
    message = refusal(adapter)
    assert named in message
    assert "adapter_model.safetensors" in message


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"r": 8}, "as [4, 32]"),
        ({"target_modules": ["query", "value", "dense"]}, "dense.lora_A"),
        ({"target_modules": ["query"]}, "value.lora_A"),
        ({"target_modules": ["q_proj"]}, "No modules were targeted"),
        ({"modules_to_save": ["classifier"]}, "pooler"),
        ({"use_dora": True}, "lora_magnitude_vector"),
        ({"peft_type": "NO_SUCH"}, "NO_SUCH"),
    ],
)
def test_an_adapter_that_is_not_what_its_config_says_is_refused(
    adapter: Path, changes: dict[str, object], named: str
) -> None:
    configure(adapter / "adapter_config.json", **changes)
    assert named in refusal(adapter)


def test_an_adapter_on_a_base_of_another_size_is_refused(adapter: Path) -> None:
    base = adapter.parent / "base"
    tiny.drawn_multiple_choice(1, hidden_size=64).roberta.save_pretrained(base)
    assert "as [4, 32]" in refusal(adapter)


def test_an_adapter_on_a_base_that_lacks_a_layer_is_refused(adapter: Path) -> None:
    rewrite(adapter.parent / "base" / "model.safetensors", without(QUERY.removeprefix("roberta.")))
    assert f"lacks {QUERY}" in refusal(adapter)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (without(QUERY), f"lacks {QUERY}"),
        (renamed("roberta.", "_orig_mod.roberta."), "_orig_mod.roberta"),
        (renamed("roberta.", "module.roberta."), "module.roberta"),
        (renamed("layer.1.", "layer.2."), "layer.2."),
        (having(roberta__encoder__extra__weight=torch.ones(2)), "roberta.encoder.extra.weight"),
        (having(stray__weight=torch.ones(2)), "holds stray.weight, which fit nowhere"),
        (renamed("query.weight", "query.base_layer.weight"), "query.base_layer"),
        (without("classifier.weight"), "classifier.weight: it is not fine-tuned"),
        (
            lambda tensors: {**tensors, "classifier.weight": torch.ones(2, 32)},
            "holds classifier.weight as [2, 32], and its config.json needs [1, 32]",
        ),
        (with_value(QUERY, float("nan")), f"holds NaN or infinity in {QUERY}"),
        (with_value("classifier.weight", float("-inf")), "infinity in classifier.weight"),
    ],
)
def test_a_checkpoint_that_does_not_fit_its_config_is_refused(
    full: Path, change: Change, named: str
) -> None:
    rewrite(full / "model.safetensors", change)
    message = refusal(full)
    assert named in message
    assert str(full) in message


@pytest.mark.parametrize(
    "changes", [{"num_hidden_layers": 1}, {"num_hidden_layers": 3}, {"intermediate_size": 64}]
)
def test_a_config_of_another_model_is_refused(full: Path, changes: dict[str, object]) -> None:
    configure(full / "config.json", **changes)
    assert str(full) in refusal(full)


def test_heads_of_other_tasks_beside_the_right_one_are_no_fault(full: Path) -> None:
    before = load_model(locate(str(full), Path()))
    more = {"lm_head__bias": torch.ones(2), "roberta__embeddings__position_ids": torch.ones(1, 258)}
    rewrite(full / "model.safetensors", having(**more))
    after = load_model(locate(str(full), Path()))
    assert torch.equal(before.classifier.weight, after.classifier.weight)


def test_half_precision_weights_are_served_in_fp32(full: Path) -> None:
    rewrite(full / "model.safetensors", lambda tensors: {n: t.half() for n, t in tensors.items()})
    model = load_model(locate(str(full), Path()))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
