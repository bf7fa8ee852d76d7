"""The API key that a program of ours sends: from a variable or a file, never a command line.

Whoever lists the processes of a machine (``ps``) reads the command lines of all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from app.environment import clean
from app.errors import StartError

KEY_VARIABLE = "XCOPA_API_KEY"
_SENDABLE = re.compile(r"[\x21-\x7e]+")
_MOST_CHARACTERS = 4_096


def own_key(file: Path | None, environ: Mapping[str, str]) -> str | None:
    """Return the key to send, from a file if one is named, else from the variable, else None.

    White space around it is taken off, since files and secrets often end with a line end.

    Raises:
        StartError: the file cannot be read, or what is there cannot be a key. It is not repeated.
    """
    if file is None:
        return _checked(KEY_VARIABLE, clean(environ.get(KEY_VARIABLE, "")))
    try:
        with file.open(encoding="utf-8") as opened:
            key = clean(opened.read(_MOST_CHARACTERS + 1))
    except OSError as error:
        raise StartError(f"{file} cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise StartError(f"{file} holds no API key: it is not text in UTF-8") from error
    if not key:
        raise StartError(f"{file} is empty; it should hold one API key")
    return _checked(str(file), key)


def _checked(source: str, key: str) -> str | None:
    if key and (not _SENDABLE.fullmatch(key) or len(key) > _MOST_CHARACTERS):
        raise StartError(f"{source} holds no API key: a key is one word of ASCII characters")
    return key or None
