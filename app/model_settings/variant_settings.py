"""What the settings say of each model: its source, its words, its weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.model_settings.models_file import FilePrompt, ModelInFile, ModelsFile
from app.model_settings.names import quoted, variable_of
from app.model_settings.sources import LEFT_OUT, ModelSources


@dataclass(frozen=True)
class Shadow:
    """Whose items a model is asked as well, only to compare the answers."""

    of: str
    """Name of the model that is asked."""
    share: float
    """Of its items, above 0 and up to 1."""


@dataclass(frozen=True)
class VariantSettings:
    """One model, before anything of it is read."""

    source: str
    """Hub id or directory."""
    setting: str = ""
    """What names the source, for messages; empty where it is the variable of the model's name."""
    prompt: FilePrompt | None = None
    """Words to ask it with; None takes those that are stored with its weights."""
    weight: int = 1
    """Its share of the engine, beside the other models, while all of them have items waiting."""
    shadow: Shadow | None = None
    """None where it is asked by callers alone."""


def variant_settings(
    sources: ModelSources, file: ModelsFile | None = None
) -> dict[str, VariantSettings]:
    """Return the models that are to be served, by name: the pair that ships first.

    What a variable says of a source goes before what the file says, and that goes before what is
    shipped. Prompts and weights are the file's in each case.

    Args:
        sources: of the variables.
        file: None where there is none.
    """
    in_file: Mapping[str, ModelInFile] = file.models if file is not None else {}
    found: dict[str, VariantSettings] = {}
    for name in dict.fromkeys((*ModelSources.model_fields, *in_file, *sources.model_dump())):
        own = in_file.get(name, ModelInFile())
        source, setting = _source(name, sources, own, file)
        if source != LEFT_OUT:
            found[name] = VariantSettings(source, setting, own.prompt, own.weight, _shadow(own))
    return found


def check_shadows(variants: Mapping[str, VariantSettings]) -> None:
    """Refuse a shadow of a model that is not served, or of itself.

    Raises:
        ValueError: there is one.
    """
    for name, each in variants.items():
        if each.shadow is not None and each.shadow.of not in variants.keys() - {name}:
            others = quoted([other for other in variants if other != name] or ["none"])
            raise ValueError(
                f"models.{name}.shadow_of is {each.shadow.of!r}; it must be another model, {others}"
            )


def _shadow(model: ModelInFile) -> Shadow | None:
    if model.shadow_of is None or model.share is None:
        return None
    return Shadow(model.shadow_of.lower(), model.share)


def _source(
    name: str, sources: ModelSources, own: ModelInFile, file: ModelsFile | None
) -> tuple[str, str]:
    """Return the source of a model, and the setting that names it."""
    if name not in sources.model_fields_set and own.source is not None and file is not None:
        return own.source, f"XCOPA_MODELS_FILE: {file.path}: models.{name}"
    source: str = getattr(sources, name)
    return source, variable_of(name)
