"""A PEFT adapter onto its base: every weight of its file has a place, and every place a weight.

PEFT itself only warns of weights that are missing, and says nothing of weights that fit nowhere:
an adapter saved from a compiled model, or from an interrupted run, would leave the bare base.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from peft import (
    PeftConfig,
    PeftModel,
    get_peft_model,
    get_peft_model_state_dict,
    set_peft_model_state_dict,
)
from peft.tuners import lora
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn
from transformers import PreTrainedModel

from app.engine.adapted import AdaptedLinear
from app.errors import StartError
from app.weights.tensors import SAVED_FROM_WRAPPER, name_some

_ENCODER = "encoder.layer."


def merge(
    model: PreTrainedModel, config: PeftConfig, tensors: Mapping[str, Tensor], path: Path
) -> Any:
    """Put an adapter's weights onto its base and return the merged model.

    Args:
        model: the base; it is changed in place.
        config: of the adapter.
        tensors: what the adapter's file holds.
        path: the file, for messages.

    Raises:
        StartError: the weights are not exactly those that the configuration asks for.
    """
    return _attached(model, config, tensors, path).merge_and_unload()


def keep_apart(
    model: PreTrainedModel, config: PeftConfig, tensors: Mapping[str, Tensor], path: Path
) -> Any:
    """Put an adapter's weights beside its base's and return the model, see ``AdaptedLinear``.

    Adapters that are more than LoRA on linear layers of the encoder are merged.

    Args:
        model, config, tensors, path: as ``merge`` takes them.

    Raises:
        StartError: as ``merge``.
    """
    adapted = _attached(model, config, tensors, path)
    layers = _low_rank_layers(adapted)
    if layers is None:
        return adapted.merge_and_unload()
    unloaded = adapted.unload()
    for name, layer in layers.items():
        unloaded.set_submodule(name, layer)
    return unloaded


def _attached(
    model: PreTrainedModel, config: PeftConfig, tensors: Mapping[str, Tensor], path: Path
) -> PeftModel:
    model.name_or_path = config.base_model_name_or_path  # PEFT warns when they differ
    with quiet_peft():
        adapted = get_peft_model(model, config)
        wanted = get_peft_model_state_dict(adapted, save_embedding_layers=False)
        _check_names(wanted, tensors, path)
        _check_shapes(wanted, tensors, path)
        rest = set_peft_model_state_dict(adapted, dict(tensors))
    if rest.unexpected_keys:
        raise StartError(
            f"{path} holds weights that fit nowhere: {name_some(rest.unexpected_keys)}"
        )
    return adapted


def _low_rank_layers(adapted: PeftModel) -> dict[str, AdaptedLinear] | None:
    """Return the layers that an adapter changes, by name; None if it changes anything else."""
    tuned = {
        name: module
        for name, module in adapted.get_base_model().named_modules()
        if isinstance(module, BaseTunerLayer)
    }
    if not all(_is_plain(name, module) for name, module in tuned.items()):
        return None
    return {name: _adapted(module) for name, module in tuned.items()}


def _is_plain(name: str, module: Any) -> bool:
    """Whether a layer is ``W + s B A`` with the base's own bias, in the encoder."""
    return (
        _ENCODER in name
        and type(module) is lora.Linear
        and type(module.base_layer) is nn.Linear
        and not module.lora_variant
        and not module.fan_in_fan_out
        and all(own.bias is None for own in module.lora_B.values())
    )


def _adapted(module: Any) -> AdaptedLinear:
    (name,) = module.active_adapters
    down, up = module.lora_A[name].weight.data, module.lora_B[name].weight.data
    return AdaptedLinear(module.base_layer, down.float(), up.float(), module.scaling[name])


@contextmanager
def quiet_peft() -> Iterator[None]:
    """Hide a warning of PEFT's about an attribute that transformers has renamed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def _check_names(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], path: Path) -> None:
    if not (missing := wanted.keys() - found.keys()):
        return
    message = f"{path} lacks {len(missing)} of {len(wanted)} weights: {name_some(missing)}"
    if others := found.keys() - wanted.keys():
        message += f"; it holds {name_some(others)}, which fit nowhere: {SAVED_FROM_WRAPPER}"
    raise StartError(message)


def _check_shapes(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], path: Path) -> None:
    for name, tensor in wanted.items():
        if tensor.shape != found[name].shape:
            raise StartError(
                f"{path} holds {name} as {list(found[name].shape)}, and adapter_config.json on "
                f"this base needs {list(tensor.shape)}"
            )
