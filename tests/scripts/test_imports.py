"""Import graphs of invented modules."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from scripts.imports import circles, import_graph, upward_arrows
from scripts.source import Module


def modules(**texts: str) -> list[Module]:
    """Make modules; ``__`` stands for ``/``."""
    return [
        Module(Path(f"{name.replace('__', '/')}.py"), text, ast.parse(text))
        for name, text in texts.items()
    ]


@pytest.mark.parametrize(
    "text",
    [
        "import app.engine.packing",
        "from app.engine import packing",
        "from app.engine.packing import pack",
        "from .packing import pack",
        "from . import packing",
        "from ..engine import packing",
        "def late():\n    from app.engine.packing import pack",
        "if TYPE_CHECKING:\n    from app.engine.packing import pack",
    ],
)
def test_every_form_of_import_is_followed(text: str) -> None:
    graph = import_graph(modules(app__engine__encoder=text, app__engine__packing=""))
    assert graph["app.engine.encoder"] == {"app.engine.packing"}


def test_a_package_is_the_origin_of_its_own_relative_imports() -> None:
    text = "from .packing import pack"
    package = Module(Path("app/engine/__init__.py"), text, ast.parse(text))
    graph = import_graph([package, *modules(app__engine__packing="")])
    assert graph["app.engine"] == {"app.engine.packing"}


def test_what_lies_outside_the_tree_is_left_out() -> None:
    graph = import_graph(modules(app__main="import torch\nfrom os import path"))
    assert graph == {"app.main": frozenset()}


@pytest.mark.parametrize(
    ("importer", "imported", "up"),
    [
        ("app__main", "models__statistics", ("app", "models")),
        ("models__statistics", "xcopa__main", ("models", "xcopa")),
        ("models__statistics", "loadtests__xcopa", ("models", "loadtests")),
        ("app__engine__encoder", "app__serving__worker", ("app.engine", "app.serving")),
        ("app__runtime", "app__server", ("app.runtime", "app.server")),
        ("app__errors", "app__engine__encoder", ("app.errors", "app.engine")),
        ("models__statistics", "app__main", None),
        ("loadtests__xcopa", "models__statistics", None),
        ("app__server", "app__main", None),
        ("app__serving__worker", "app__weights__hub", None),
        ("app__mainly", "app__server", None),
    ],
)
def test_an_arrow_runs_up_when_the_importer_lies_in_a_lower_layer(
    importer: str, imported: str, up: tuple[str, str] | None
) -> None:
    name = imported.replace("__", ".")
    graph = import_graph(modules(**{importer: f"import {name}", imported: ""}))
    assert upward_arrows(graph) == ({up} if up else set())


def test_many_imports_between_two_rooms_are_one_arrow() -> None:
    text = "import models.one, models.two"
    graph = import_graph(modules(app__a=text, app__b=text, models__one="", models__two=""))
    assert upward_arrows(graph) == {("app", "models")}


def test_a_circle_is_found_once_with_all_its_files() -> None:
    graph = import_graph(
        modules(
            app__a="import app.b",
            app__b="import app.c, app.leaf",
            app__c="def late():\n    import app.a",
            app__leaf="",
            app__above="import app.a",
        )
    )
    assert circles(graph) == [["app.a", "app.b", "app.c"]]
    assert circles(import_graph(modules(app__a="import app.b", app__b=""))) == []
