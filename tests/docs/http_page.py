"""What ``docs/reference/http.md`` names, and what the code has: problem types and headers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from app.api.problem import HttpError
from app.errors import ServiceError

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "http.md"
HTTP_CODE = (*sorted((ROOT / "app" / "api").glob("*.py")), ROOT / "app" / "errors.py")

_CAPITALISED = re.compile(r"[A-Z][A-Za-z0-9]*(-[A-Z][A-Za-z0-9]*)+")
_LOWER = re.compile(r"[a-z]+(-[a-z0-9]+)+")
_ONE_WORD = {
    *("accept", "allow", "authorization", "connection", "deprecation", "etag", "link"),
    *("host", "location", "origin", "sunset", "traceparent", "upgrade", "vary"),
}
"""Headers whose name has no hyphen by which it could be told from other words."""


@dataclass(frozen=True, order=True)
class ProblemType:
    """What a problem document says of its kind."""

    slug: str
    title: str
    status: int

    @property
    def row(self) -> str:
        return f"| `{self.slug}` | {self.title} | {self.status} | WHEN | WHAT TO DO |"


def section(title: str) -> str:
    """Return the part of the page below a heading of the second level."""
    found = PAGE.read_text(encoding="utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    assert found, f"{PAGE.name} has no section {title!r}"
    return found


def rows(title: str) -> list[list[str]]:
    """Return the cells of every table in a section, without its heads."""
    lines = [line for line in section(title).splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def named_problems() -> set[ProblemType]:
    """Return the problem types of the page."""
    cells = [row[:3] for row in rows("Problems")]
    return {ProblemType(slug.strip("`"), title, int(status)) for slug, title, status in cells}


def named_headers(title: str) -> set[str]:
    """Return the headers of a section's table, in lower case."""
    return {name.lower() for row in rows(title) for name in re.findall(r"`([^`]+)`", row[0])}


def classes_of_problems() -> set[ProblemType]:
    """Return the problem type of every class of errors that has one of its own."""
    return {
        ProblemType(each.slug, each.title, each.status)
        for each in _with_subclasses(ServiceError)
        if each.__module__.startswith("app.")
    }


def _with_subclasses(of: type[ServiceError]) -> Iterator[type[ServiceError]]:
    yield of
    for each in of.__subclasses__():
        yield from _with_subclasses(each)


def http_problems() -> dict[ProblemType, str]:
    """Return the problem type of every ``HttpError`` with a title in the code, and its place."""
    found = {}
    for path, node in _nodes():
        if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != HttpError.__name__:
            continue
        status, title = (_value(argument) for argument in node.args[:2])
        if isinstance(status, int) and isinstance(title, str):
            error = HttpError(status, title, "")
            found[ProblemType(error.slug, title, status)] = _place(path, node)
    return found


def headers_in_code() -> dict[str, str]:
    """Return the name of every header that the code reads or sends, and its place."""
    values = {id(value) for _, node in _nodes() for value in _values_of_pairs(node)}
    return {
        name: _place(path, node)
        for path, node in _nodes()
        if id(node) not in values
        for name in _header(node)
    }


def _values_of_pairs(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the value of a pair such as ``(b"cache-control", b"no-store")``."""
    if isinstance(node, ast.Tuple) and [type(_value(each)) for each in node.elts] == [bytes, bytes]:
        yield node.elts[1]


def _header(node: ast.AST) -> Iterator[str]:
    value = _value(node)
    if isinstance(value, str) and (_CAPITALISED.fullmatch(value) or _is_one_word(value)):
        yield value.lower()
    if isinstance(value, bytes):
        name = value.decode("latin-1")
        if _LOWER.fullmatch(name) or name in _ONE_WORD:
            yield name
    if isinstance(asked := _asked_of_headers(node), str):
        yield asked.lower()


def _asked_of_headers(node: ast.AST) -> object:
    """Return the name that code asks headers for, with ``get``, ``getlist`` or ``in``."""
    asking = ("headers.get", "headers.getlist")
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(asking):
        return _value(node.args[0])
    if isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]).endswith("headers"):
        return _value(node.left)
    return None


def _is_one_word(value: str) -> bool:
    return value.istitle() and value.lower() in _ONE_WORD


_TREES: dict[Path, ast.Module] = {}


def _nodes() -> Iterator[tuple[Path, ast.AST]]:
    for path in HTTP_CODE:
        if path not in _TREES:
            _TREES[path] = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(_TREES[path]):
            yield path, node


def _value(node: ast.AST) -> object:
    """Return a literal, or the number of ``HTTPStatus.NAME``."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == HTTPStatus.__name__:
        return int(HTTPStatus[node.attr])
    return None


def _place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
