"""What a model may be called. Its name is in paths, labels of metrics and variables."""

from __future__ import annotations

import re
from collections.abc import Sequence

MOST_CHARACTERS = 40

SEVERAL = "several"
"""The label of metrics for a call that asks more than one model; no model has this name."""

_NAME = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")


def check_name(name: str) -> str:
    """Return the name of a model.

    Two underscores in a row part the words of a variable, so no name has them.

    Raises:
        ValueError: it cannot be one.
    """
    if name == SEVERAL:
        raise ValueError(f"no model may be called {SEVERAL!r}: metrics have another use for it")
    if len(name) > MOST_CHARACTERS:
        message = f"{name[:MOST_CHARACTERS]!r}... is too long a name for a model; "
        raise ValueError(message + f"it has {MOST_CHARACTERS} characters at most")
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no name for a model; it has letters a to z and digits, and between them "
            "single - and _"
        )
    return name


def variable_of(model: str) -> str:
    """Return the environment variable that names the source of a model."""
    return f"XCOPA_MODELS__{model.upper()}"


def quoted(names: Sequence[str]) -> str:
    """Return names as a message lists what may be chosen: ``'a', 'b' or 'c'``."""
    *first, last = map(repr, names)
    return f"{', '.join(first)} or {last}" if first else last
