"""Who imports whom: arrows that run up the layers, and circles."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from scripts.source import SOURCE_PACKAGES, Module

APP_LAYERS: tuple[tuple[str, ...], ...] = (
    ("app.server",),
    ("app.main",),
    ("app.api",),
    ("app.runtime",),
    ("app.keys", "app.serving", "app.weights"),
    ("app.engine",),
    ("app.errors", "app.settings", "app.telemetry", "app.process"),
)
"""The layers of the service, from the top down."""

Graph = Mapping[str, frozenset[str]]
"""For each module, the modules of the tree that it imports, anywhere in its file."""


def import_graph(modules: Sequence[Module]) -> Graph:
    """Follow every import, also under ``TYPE_CHECKING`` and inside functions."""
    known = {module.name for module in modules}
    return {
        module.name: frozenset(
            imported for name in _imported_names(module) if (imported := _resolve(name, known))
        )
        for module in modules
    }


def upward_arrows(graph: Graph) -> set[tuple[str, str]]:
    """Return the pairs of rooms, importer first, whose arrow runs up."""
    return {
        rooms
        for importer, others in graph.items()
        for imported in others
        if (rooms := _rooms(importer, imported)) and _runs_up(*rooms)
    }


def circles(graph: Graph) -> list[list[str]]:
    """Return the sets of modules each of which reaches all others of its set."""
    reached = {name: _reached_from(name, graph) for name in graph}
    knots = {
        frozenset(other for other in reached[name] if name in reached[other]) for name in graph
    }
    return sorted(sorted(knot) for knot in knots if knot)


def _imported_names(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(node, module)
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def _origin(node: ast.ImportFrom, module: Module) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    kept = len(parts) - node.level + module.is_package
    return ".".join([*parts[:kept], *([node.module] if node.module else [])])


def _resolve(name: str, known: set[str]) -> str | None:
    """Return the longest prefix of a dotted name that is a module of the tree."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name or None


def _rooms(importer: str, imported: str) -> tuple[str, str] | None:
    tops = importer.partition(".")[0], imported.partition(".")[0]
    if tops[0] != tops[1]:
        return tops
    rooms = _app_room(importer), _app_room(imported)
    return (rooms[0], rooms[1]) if rooms[0] and rooms[1] else None


def _app_room(name: str) -> str:
    rooms = (room for layer in APP_LAYERS for room in layer)
    return next((room for room in rooms if f"{name}.".startswith(f"{room}.")), "")


def _runs_up(importer: str, imported: str) -> bool:
    return _height(importer) < _height(imported)


def _height(room: str) -> int:
    """Return a number that is larger for a higher layer."""
    if room in SOURCE_PACKAGES:
        return -SOURCE_PACKAGES.index(room)
    return -next(index for index, layer in enumerate(APP_LAYERS) if room in layer)


def _reached_from(start: str, graph: Graph) -> set[str]:
    reached: set[str] = set()
    ahead = list(graph[start])
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += graph[name]
    return reached
