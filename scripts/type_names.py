"""Names of types that are defined in more than one module."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence

from scripts.source import Module

TYPE_MAKERS = {"NamedTuple", "NewType", "TypeVar", "TypedDict", "namedtuple"}


def type_names_with_two_meanings(modules: Sequence[Module]) -> dict[str, list[str]]:
    """Return the public type names that several modules define, with these modules."""
    places: dict[str, list[str]] = defaultdict(list)
    for module in modules:
        for name in sorted(set(_type_names(module.tree))):
            places[name].append(module.name)
    return {name: where for name, where in sorted(places.items()) if len(where) > 1}


def _type_names(tree: ast.Module) -> Iterator[str]:
    """Public classes and aliases at the top of a file. A second name of a type is no definition."""
    for node in tree.body:
        name = _defined_type(node)
        if name and not name.startswith("_"):
            yield name


def _defined_type(node: ast.stmt) -> str | None:
    match node:
        case ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if _makes_type(name, value):
            return name
        case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id="TypeAlias")):
            return name
    if type(node).__name__ == "TypeAlias":  # a `type` statement, from Python 3.12 on
        return str(node.name.id)  # type: ignore[attr-defined]
    return None


def _makes_type(name: str, value: ast.expr) -> bool:
    if name == name.upper():
        return False
    match value:
        case ast.Subscript() | ast.BinOp(op=ast.BitOr()):
            return True
        case ast.Call(func=ast.Name(id=maker) | ast.Attribute(attr=maker)):
            return maker in TYPE_MAKERS
    return False
