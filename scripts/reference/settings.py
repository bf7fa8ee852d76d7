"""``docs/reference/settings.md``: every setting, from the fields of ``app.settings.Settings``.

A new field needs nothing here. Its variable, type, bounds, default and description come from the
field, its unit from the end of its name, and its section from its place in the class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from app.model_settings.sources import SHIPPED_MODELS
from app.settings import Settings
from scripts.reference.markdown import GENERATED, page, table

SECTIONS = {
    "host": "Address",
    "ssl_certfile": "TLS",
    "models": "Models",
    "threads": "Computation",
    "batch_tokens": "Batches and the queue",
    "request_timeout_ms": "Limits of a request",
    "api_keys_file": "Who may call",
    "drain_delay_s": "Shutdown",
    "log_level": "Logs",
}
"""The field that begins a section, and the section's title. Other fields belong to the section of
the field before them."""

_TYPES = {
    "string": "text",
    "path": "path",
    "password": "text",
    "boolean": "`true` or `false`",
    "array": "list in JSON",
    "object": "object in JSON",
}
_BOUNDS = {
    "exclusiveMinimum": "above",
    "minimum": "at least",
    "exclusiveMaximum": "below",
    "maximum": "at most",
}
_UNITS = {"s": "seconds", "ms": "milliseconds"}
_HEADS = ("variable", "type", "default", "unit", "meaning")

_INTRODUCTION = """\
The service reads its settings from environment variables. If a value is wrong, the service does not
start, and prints one line that names the variable.

[Choose settings](../how-to/choose-settings.md) says which of them to change first, and lists the
variables of other libraries that the service follows."""


def settings() -> str:
    """Return the page."""
    sections: dict[str, list[tuple[str, ...]]] = {}
    title = next(iter(SECTIONS.values()))
    for name, field in Settings.model_fields.items():
        title = SECTIONS.get(name, title)
        sections.setdefault(title, []).extend(_rows(name, field))
    tables = (f"## {title}\n\n{table(_HEADS, rows)}" for title, rows in sections.items())
    return page("# Settings", GENERATED, _INTRODUCTION, *tables)


def variables() -> Iterator[tuple[str, FieldInfo]]:
    """Yield every environment variable with its field."""
    for name, field in Settings.model_fields.items():
        yield from ((variable, field) for variable, field, _ in _expanded(name, field))


def _rows(name: str, field: FieldInfo) -> Iterator[tuple[str, ...]]:
    for variable, leaf, schema in _expanded(name, field):
        yield (
            f"`{variable}`",
            type_of(schema),
            default_of(leaf),
            _unit(variable.lower(), schema),
            leaf.description or "",
        )


def _expanded(
    name: str, field: FieldInfo, owner: type[BaseModel] = Settings, prefix: str = ""
) -> Iterator[tuple[str, FieldInfo, Mapping[str, Any]]]:
    """Yield a field, or the fields of the model that it holds: variable, field, JSON schema."""
    prefix = prefix or str(Settings.model_config["env_prefix"])
    variable = prefix + name.upper()
    held = field.annotation
    if isinstance(held, type) and issubclass(held, BaseModel):
        delimiter = Settings.model_config["env_nested_delimiter"]
        for inner, leaf in held.model_fields.items():
            yield from _expanded(inner, leaf, held, f"{variable}{delimiter}")
        return
    yield variable, field, owner.model_json_schema()["properties"][name]


def type_of(schema: Mapping[str, Any]) -> str:
    """Return a JSON schema in words, with its bounds."""
    if "anyOf" in schema:
        kept = (each for each in schema["anyOf"] if each.get("type") != "null")
        return " or ".join(map(type_of, kept))
    if "enum" in schema or "const" in schema:
        *first, last = (f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
        return f"{', '.join(first)} or {last}" if first else last
    named = _TYPES.get(schema.get("format", schema.get("type", "")), schema.get("type", "text"))
    return ", ".join([named, *_bounds(schema)])


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    return (f"{word} {schema[key]:,}" for key, word in _BOUNDS.items() if key in schema)


def default_of(field: FieldInfo) -> str:
    """Return the default of a field, in words that are the same on every machine."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "not set"
    if value in ("", [], (), {}):
        return "empty"
    if isinstance(value, str | Path) and Path(value).is_absolute():
        return _path(Path(value))
    if field.default_factory is not None:
        return "depends on the machine"
    return f"`{_plain(value)}`"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _path(path: Path) -> str:
    repository = SHIPPED_MODELS.parent
    if path.is_relative_to(repository):
        return f"`{path.relative_to(repository)}` (part of this project)"
    caches = Path(platformdirs.user_cache_dir())
    if path.is_relative_to(caches):
        return f"`{path.relative_to(caches)}` in the user's cache folder"
    return f"`{path}`"


def _unit(variable: str, schema: Mapping[str, Any]) -> str:
    """Return the unit of a number: the last word of its name, where that is a plural or short."""
    numeric = {"integer", "number"}
    kinds = {schema.get("type"), *(each.get("type") for each in schema.get("anyOf", ()))}
    last = variable.rpartition("_")[2]
    if not numeric & kinds:
        return ""
    return _UNITS.get(last, last if last.endswith("s") else "")
