"""Weights that do not fit their model are refused by name; a model is never served by halves."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from app.weights.checkpoint import locate
from app.weights.loading import load_model
from tests import tiny
from tests.app.weights.rewriting import (
    UNWRAP,
    Change,
    Tensors,
    configure,
    having,
    refusal,
    renamed,
    rewrite,
    with_value,
    without,
)

QUERY = "roberta.encoder.layer.0.attention.self.query.weight"
OTHER_MODEL = f"its config.json describes another model, or {UNWRAP}"
FIRST_FOUR = (
    "roberta.embeddings.LayerNorm.bias",
    "roberta.embeddings.LayerNorm.weight",
    "roberta.embeddings.position_embeddings.weight",
    "roberta.embeddings.token_type_embeddings.weight",
)
LAYER_ONE = tuple(
    f"roberta.encoder.layer.1.attention.output.{part}"
    for part in ("LayerNorm.bias", "LayerNorm.weight", "dense.bias", "dense.weight")
)


@pytest.fixture
def full(tmp_path: Path) -> Path:
    return tiny.multiple_choice(tmp_path / "full")


def some(names: tuple[str, ...], more: int, prefix: str = "") -> str:
    return ", ".join(prefix + name for name in names) + f" and {more} more"


def head_in_two(tensors: Tensors) -> Tensors:
    return {**tensors, "classifier.weight": torch.ones(2, 32)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without(QUERY), f"lacks {QUERY}: {OTHER_MODEL}"),
        *(
            (
                renamed("roberta.", f"{wrapper}.roberta."),
                f"lacks {some(FIRST_FOUR, 33)} and holds {some(FIRST_FOUR, 35, wrapper + '.')}, "
                f"which fit nowhere: {OTHER_MODEL}",
            )
            for wrapper in ("_orig_mod", "module")
        ),
        (
            renamed("layer.1.", "layer.2."),
            f"lacks {some(LAYER_ONE, 12)} and holds "
            f"{some(LAYER_ONE, 12).replace('layer.1.', 'layer.2.')}, which fit nowhere: "
            f"{OTHER_MODEL}",
        ),
        (
            having(roberta__encoder__extra__weight=torch.ones(2)),
            f"holds roberta.encoder.extra.weight, which fit nowhere: {OTHER_MODEL}",
        ),
        (
            having(stray__weight=torch.ones(2)),
            f"holds stray.weight, which fit nowhere: {OTHER_MODEL}",
        ),
        (
            without("classifier.weight"),
            "lacks classifier.weight: it is not fine-tuned for multiple choice. Name a fine-tuned "
            "checkpoint, or an adapter that brings the head",
        ),
        (
            head_in_two,
            "holds classifier.weight as [2, 32], and its config.json needs [1, 32]",
        ),
    ],
)
def test_a_checkpoint_that_does_not_fit_its_config_is_refused(
    full: Path, change: Change, message: str
) -> None:
    rewrite(full / "model.safetensors", change)
    assert refusal(full) == f"{full} {message}"


@pytest.mark.parametrize(
    ("name", "value"), [(QUERY, float("nan")), ("classifier.weight", float("-inf"))]
)
def test_weights_that_are_no_numbers_are_refused(full: Path, name: str, value: float) -> None:
    rewrite(full / "model.safetensors", with_value(name, value))
    assert refusal(full) == f"{full / 'model.safetensors'} holds NaN or infinity in {name}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"num_hidden_layers": 1},
            f"holds {some(LAYER_ONE, 12)}, which fit nowhere: {OTHER_MODEL}",
        ),
        (
            {"num_hidden_layers": 3},
            f"lacks {some(LAYER_ONE, 12).replace('layer.1.', 'layer.2.')}: {OTHER_MODEL}",
        ),
        (
            {"intermediate_size": 64},
            "holds roberta.encoder.layer.0.intermediate.dense.bias as [48], and its config.json "
            "needs [64]",
        ),
    ],
)
def test_a_config_of_another_model_is_refused(
    full: Path, changes: dict[str, object], message: str
) -> None:
    configure(full / "config.json", **changes)
    assert refusal(full) == f"{full} {message}"


def test_heads_of_other_tasks_beside_the_right_one_are_no_fault(full: Path) -> None:
    before = load_model(locate(str(full), Path()))
    more = {"lm_head__bias": torch.ones(2), "roberta__embeddings__position_ids": torch.ones(1, 258)}
    rewrite(full / "model.safetensors", having(**more))
    after = load_model(locate(str(full), Path()))
    assert torch.equal(before.classifier.weight, after.classifier.weight)


def test_half_precision_weights_are_served_in_fp32(full: Path) -> None:
    rewrite(full / "model.safetensors", lambda tensors: {n: t.half() for n, t in tensors.items()})
    configure(full / "config.json", dtype="float16")
    model = load_model(locate(str(full), Path()))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
