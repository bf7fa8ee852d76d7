"""One API key: how it is drawn, what is kept of it, and its line in the file.

A key is ``xcopa_SALT_SECRET``, with a secret of 256 random bits. The file keeps the salt and the
SHA-256 of the whole key. A slow hash, as passwords need, would protect nothing here: nobody can
guess 256 bits (NIST SP 800-63B, section 5.1.2.2, on look-up secrets of 112 bits and more).

Decision: docs/decisions/0031-api-keys.md
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from app.errors import FieldError

PREFIX = "xcopa"
SALT_BYTES = 16
SECRET_BYTES = 32
MOST_WEIGHT = 1_000
MOST_TOKENS_PER_SECOND = 1_000_000_000

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DIGEST = re.compile(r"sha256:([0-9a-f]{32}):([0-9a-f]{64})")
_NUMBER = re.compile(r"[1-9][0-9]{0,9}")
_FORM = "NAME sha256:SALT:DIGEST"
_REVOKED = "revoked"
_ADMIN = "admin"
_WORDS = (_ADMIN, _REVOKED)
"""Options that stand alone."""


class KeyLineError(Exception):
    """A line of the file is wrong. What it says instead is not repeated: it may be a secret."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.error = FieldError(field, message)


@dataclass(frozen=True)
class ApiKey:
    """What is kept of a key, and what its holder may do."""

    name: str
    salt: str = field(repr=False)
    digest: bytes = field(repr=False)
    weight: int = 1
    """Its share of the engine beside those of others."""
    tokens_per_second: int | None = None
    """None is no limit."""
    admin: bool = False
    """Whether its holder may change which models are served."""
    revoked: bool = False

    @property
    def line(self) -> str:
        """The line of the file, without its end."""
        parts = [self.name, f"sha256:{self.salt}:{self.digest.hex()}"]
        if self.weight != 1:
            parts.append(f"weight={self.weight}")
        if self.tokens_per_second is not None:
            parts.append(f"tokens_per_second={self.tokens_per_second}")
        parts += [_ADMIN] * self.admin + [_REVOKED] * self.revoked
        return " ".join(parts)

    def revoke(self) -> ApiKey:
        return replace(self, revoked=True)


def draw(
    name: str, weight: int = 1, tokens_per_second: int | None = None, *, admin: bool = False
) -> tuple[str, ApiKey]:
    """Return a new key, which is kept nowhere, and what is kept of it.

    Raises:
        KeyLineError: the name or a number is none that the file may have.
    """
    _check_name(name)
    _check_number("weight", str(weight), MOST_WEIGHT)
    if tokens_per_second is not None:
        _check_number("tokens_per_second", str(tokens_per_second), MOST_TOKENS_PER_SECOND)
    salt = secrets.token_hex(SALT_BYTES)
    text = f"{PREFIX}_{salt}_{secrets.token_hex(SECRET_BYTES)}"
    return text, ApiKey(name, salt, digest_of(text.encode()), weight, tokens_per_second, admin)


def digest_of(sent: bytes) -> bytes:
    """Return the digest of a key; it is salted, since the salt is a part of the key."""
    return hashlib.sha256(sent).digest()


def salt_of(sent: bytes) -> str:
    """Return the part of a key that is no secret; empty where it has none."""
    parts = sent.split(b"_", 2)
    return parts[1].decode("latin-1") if len(parts) > 2 else ""  # noqa: PLR2004


def parse_line(line: str) -> ApiKey:
    """Read one line of the file, which is neither blank nor a comment.

    Raises:
        KeyLineError: a field is wrong.
    """
    name, *rest = line.split()
    _check_name(name)
    found = _DIGEST.fullmatch(rest[0]) if rest else None
    if found is None:
        raise KeyLineError("digest", f"must follow the name, as {_FORM}; `xcopa keys add` makes it")
    options = dict(_options(rest[1:]))
    return ApiKey(
        name,
        salt=found.group(1),
        digest=bytes.fromhex(found.group(2)),
        weight=options.get("weight", 1),
        tokens_per_second=options.get("tokens_per_second"),
        admin=_ADMIN in options,
        revoked=_REVOKED in options,
    )


def _options(texts: list[str]) -> Iterator[tuple[str, int]]:
    most = {"weight": MOST_WEIGHT, "tokens_per_second": MOST_TOKENS_PER_SECOND}
    seen: set[str] = set()
    for place, text in enumerate(texts, 3):
        option, equals, value = text.partition("=")
        if text not in _WORDS and (option not in most or not equals):
            expected = "weight=N, tokens_per_second=N, admin or revoked"
            raise KeyLineError(f"field {place}", f"must be {expected}")
        if option in seen:
            raise KeyLineError(option, "is there twice")
        seen.add(option)
        yield option, 1 if text in _WORDS else _check_number(option, value, most[option])


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise KeyLineError(
            "name", "must have 1 to 64 letters, digits, '.', '_' or '-', the first no sign"
        )


def _check_number(option: str, value: str, most: int) -> int:
    if not _NUMBER.fullmatch(value) or int(value) > most:
        raise KeyLineError(option, f"must be a whole number from 1 to {most:,}")
    return int(value)
