"""Which definitions give a type name a meaning."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from scripts.source import Module
from scripts.type_names import type_names_with_two_meanings


def found(*texts: str) -> dict[str, list[str]]:
    modules = [
        Module(Path(f"app/m{number}.py"), text, ast.parse(text))
        for number, text in enumerate(texts)
    ]
    return type_names_with_two_meanings(modules)


@pytest.mark.parametrize(
    "definition",
    [
        "class Batch: ...",
        "Batch = list[int]",
        "Batch = int | str",
        "Batch: TypeAlias = int",
        "Batch = TypeVar('Batch')",
        "Batch = typing.NewType('Batch', int)",
    ],
)
def test_a_class_and_every_kind_of_alias_define_a_name(definition: str) -> None:
    assert found("class Batch: ...", definition) == {"Batch": ["app.m0", "app.m1"]}


@pytest.mark.parametrize(
    "no_definition",
    [
        "from app.m0 import Batch",
        "Batch = other.Batch",
        "Batch = make_batch()",
        "Batch: int = 3",
        "def Batch(): ...",
        "class Outer:\n    class Batch: ...",
        "def inside():\n    Batch = list[int]",
    ],
)
def test_another_name_of_a_type_and_what_lies_deeper_define_none(no_definition: str) -> None:
    assert found("class Batch: ...", no_definition) == {}


def test_private_names_and_constants_are_left_out() -> None:
    assert found("class _Clock: ...\nSIZES = (1,)[0]", "class _Clock: ...\nSIZES = (2,)[0]") == {}


def test_a_name_defined_twice_in_one_file_has_one_place() -> None:
    text = "class Batch: ...\nclass Batch: ..."
    assert found(text) == {}
