"""JSON lines: an object a line. Blank lines are no rows."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from json import JSONDecodeError
from typing import Any, NoReturn

from models.prediction.lines import TextLine
from models.prediction.raw_row import RawRow


def json_rows(lines: Iterable[TextLine]) -> Iterator[RawRow]:
    """Read each line; one that is no JSON object becomes a row with a problem."""
    for line in lines:
        if line.problem is not None:
            yield RawRow(line.number, line.end, problem=line.problem)
        elif line.text.strip():
            yield _row(line)


def _row(line: TextLine) -> RawRow:
    try:
        fields = json.loads(line.text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        return RawRow(line.number, line.end, problem=f"is not JSON: {_reason(error)}")
    if not isinstance(fields, dict):
        return RawRow(line.number, line.end, problem="must be a JSON object")
    return RawRow(line.number, line.end, fields)


def _reason(error: Exception) -> str:
    """Return json's message; the line that it counts is always the first."""
    return (
        f"{error.msg}, column {error.colno}" if isinstance(error, JSONDecodeError) else str(error)
    )


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no value of JSON")


def _finite(digits: str) -> Any:
    """Read a number; one beyond a double's range could not be written back as JSON."""
    value = float(digits)
    return value if math.isfinite(value) else _refuse(digits)
