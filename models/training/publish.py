"""Writes trained weights to a folder that the service loads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from peft import get_peft_model
from safetensors.torch import load_file, save_file
from transformers import XLMRobertaForMultipleChoice

from app.weights.adapter import quiet_peft
from app.weights.checkpoint import Checkpoint
from app.weights.loading import load_model
from app.weights.tensors import name_some
from app.weights.variant_config import VariantConfig
from models.tasks.example import Head
from models.training.errors import NotFiniteError
from models.training.network import Weights, low_rank
from models.training.recipe import LowRank, Recipe, prompt_of

_HEAD = ("pooler", "classifier")
_HEAD_NAMES = {"dense": "roberta.pooler.dense", "projection": "classifier"}
"""The name of a multiple-choice head in transformers' model."""

MODEL_FILES = (
    *("adapter_config.json", "adapter_model.safetensors"),
    *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
)
"""The files of a model, of one kind or the other; a folder must not have both."""

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")


def publish(recipe: Recipe, base: Path, weights: Weights, out: Path) -> None:
    """Write a variant: a PEFT adapter in half precision, or a full checkpoint, and ``xcopa.json``.

    Args:
        recipe: says what was trained, and the base by the name that travels.
        base: the directory of the base.
        weights: what the last phase left, a multiple-choice head among them.
        out: an empty folder.

    Raises:
        NotFiniteError: a weight is NaN or infinite, or would be in half precision.
        StartError: what was written is not what the service loads.
    """
    model = XLMRobertaForMultipleChoice.from_pretrained(base, dtype=torch.float32)
    if isinstance(recipe.tuning, LowRank):
        _write_adapter(model, recipe.tuning, recipe.base, weights, out)
    else:
        _write_checkpoint(model, base, weights, out)
    VariantConfig(prompt_of(recipe), recipe.publish.temperature).save(out)
    # safetensors lets the owner alone read what it writes; the service may be another user.
    for file in out.iterdir():
        file.chmod(0o644)
    _check_served(recipe, base, out)


def _check_served(recipe: Recipe, base: Path, out: Path) -> None:
    """Load what was written as the service will, with all that it refuses."""
    if isinstance(recipe.tuning, LowRank):
        written = Checkpoint(str(out), full=base, adapter=out)
    else:
        written = Checkpoint(str(out), full=out)
    _check_finite(dict(load_model(written).named_parameters()), "the merged model")


def _write_adapter(
    model: Any, tuning: LowRank, base_name: str, weights: Weights, out: Path
) -> None:
    config = low_rank(tuning)
    config.modules_to_save = list(_HEAD)
    with quiet_peft():
        adapted = get_peft_model(model, config)
    _fill(adapted.base_model.model, weights)
    adapted.save_pretrained(str(out))
    (out / "README.md").unlink(missing_ok=True)
    _halve(out / "adapter_model.safetensors")
    _name_base(out / "adapter_config.json", base_name)


def _write_checkpoint(model: Any, base: Path, weights: Weights, out: Path) -> None:
    _fill(model, weights)
    model.save_pretrained(out)
    for name in _TOKENIZER_FILES:
        if (base / name).exists():
            shutil.copyfile(base / name, out / name)


@torch.no_grad()
def _fill(model: Any, weights: Weights) -> None:
    """Put weights where transformers has them; heads of other kinds stay behind."""
    places = {
        name.replace(".modules_to_save.default", ""): parameter
        for name, parameter in model.named_parameters()
        if ".original_module." not in name
    }
    head = f"heads.{Head.MULTIPLE_CHOICE.value}."
    for name, weight in weights.items():
        if name.startswith("encoder."):
            places[f"roberta.{name.removeprefix('encoder.')}"].copy_(weight)
        elif name.startswith(head):
            part, _, parameter = name.removeprefix(head).partition(".")
            places[f"{_HEAD_NAMES[part]}.{parameter}"].copy_(weight)


def _halve(path: Path) -> None:
    halved = {name: tensor.half().contiguous() for name, tensor in load_file(path).items()}
    _check_finite(halved, "the adapter in half precision")
    save_file(halved, path, metadata={"format": "pt"})


def _check_finite(weights: Weights, of: str) -> None:
    broken = [name for name, weight in weights.items() if not weight.isfinite().all()]
    if broken:
        raise NotFiniteError(
            f"{of} has NaN or infinity in {name_some(broken)}, so it is not published; lower the "
            "learning_rate, or tuning.alpha"
        )


def _name_base(path: Path, base_name: str) -> None:
    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = base_name
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
