"""A key and its line in the file."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.keys.api_key import (
    MOST_TOKENS_PER_SECOND,
    MOST_WEIGHT,
    ApiKey,
    KeyLineError,
    digest_of,
    draw,
    parse_line,
    salt_of,
)

SALT, DIGEST = "ab" * 16, "cd" * 32
KEPT = f"sha256:{SALT}:{DIGEST}"


def test_a_key_has_256_random_bits_and_its_digest_is_salted() -> None:
    (one, kept), (other, also) = draw("alice"), draw("alice")
    prefix, salt, secret = one.split("_")
    assert (prefix, len(secret)) == ("xcopa", 64)
    assert secret not in other
    assert kept.salt == salt != also.salt
    assert kept.digest == digest_of(one.encode()) != also.digest
    assert secret not in kept.line


def test_neither_salt_nor_digest_is_in_what_a_log_would_print() -> None:
    _, kept = draw("alice")
    assert kept.salt not in repr(kept)
    assert kept.digest.hex() not in repr(kept)
    assert repr(kept.digest) not in repr(kept)


@given(
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True),
    weight=st.integers(1, MOST_WEIGHT),
    limit=st.none() | st.integers(1, MOST_TOKENS_PER_SECOND),
    admin=st.booleans(),
    revoked=st.booleans(),
    space=st.sampled_from([" ", "  ", "\t"]),
)
def test_what_a_line_says_is_read_as_it_was_written(
    name: str, weight: int, limit: int | None, admin: bool, revoked: bool, space: str
) -> None:
    _, drawn = draw(name, weight, limit, admin=admin)
    key = dataclasses.replace(drawn, revoked=revoked)
    assert parse_line(space + key.line.replace(" ", space) + space) == key


def test_options_may_stand_in_any_order() -> None:
    line = f"alice {KEPT} revoked tokens_per_second=50 admin weight=3"
    expected = ApiKey("alice", SALT, bytes.fromhex(DIGEST), 3, 50, admin=True, revoked=True)
    assert parse_line(line) == expected


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (f"-alice {KEPT}", "name"),
        (f"al{{}}ice {KEPT}", "name"),
        (f"älice {KEPT}", "name"),
        (f"{'a' * 65} {KEPT}", "name"),
        ("alice", "digest"),
        (f"alice {DIGEST}", "digest"),
        (f"alice md5:{SALT}:{DIGEST}", "digest"),
        (f"alice sha256:{SALT}:{DIGEST[:-1]}", "digest"),
        (f"alice sha256:{SALT}:{DIGEST.upper()}", "digest"),
        (f"alice {KEPT} weight=0", "weight"),
        (f"alice {KEPT} weight=1.5", "weight"),
        (f"alice {KEPT} weight=1001", "weight"),
        (f"alice {KEPT} weight=\u0661", "weight"),
        (f"alice {KEPT} weight=", "weight"),
        (f"alice {KEPT} tokens_per_second=-1", "tokens_per_second"),
        (f"alice {KEPT} tokens_per_second=1000000001", "tokens_per_second"),
        (f"alice {KEPT} weight=2 weight=2", "weight"),
        (f"alice {KEPT} weight", "field 3"),
        (f"alice {KEPT} revoked=yes", "field 3"),
        (f"alice {KEPT} weight=2 # a comment", "field 4"),
    ],
)
def test_a_wrong_field_is_named(line: str, field: str) -> None:
    with pytest.raises(KeyLineError, match=f"^{re.escape(field)}: ") as raised:
        parse_line(line)
    assert raised.value.error.field == field


def test_a_key_that_was_written_into_the_file_itself_is_not_repeated() -> None:
    """Who keeps keys in plain text elsewhere pastes one here; a log must not have it then."""
    text, _ = draw("alice")
    for line in (f"alice {text}", text, f"alice {KEPT} {text}", f"alice {KEPT} weight={text}"):
        with pytest.raises(KeyLineError) as raised:
            parse_line(line)
        assert text[-20:] not in str(raised.value)


@pytest.mark.parametrize(("name", "weight", "limit"), [("a b", 1, 1), ("a", 0, 1), ("a", 1, 0)])
def test_nothing_is_drawn_that_the_file_could_not_say(name: str, weight: int, limit: int) -> None:
    with pytest.raises(KeyLineError):
        draw(name, weight, limit)


@given(st.binary(max_size=200))
def test_any_bytes_have_a_salt_and_a_digest(sent: bytes) -> None:
    assert len(digest_of(sent)) == 32
    assert isinstance(salt_of(sent), str)


def test_a_key_may_change_no_models_unless_its_line_says_so() -> None:
    assert not parse_line(f"alice {KEPT}").admin
    assert parse_line(f"alice {KEPT} admin").admin
    with pytest.raises(KeyLineError, match="admin: is there twice"):
        parse_line(f"alice {KEPT} admin admin")
    with pytest.raises(KeyLineError, match="admin or revoked"):
        parse_line(f"alice {KEPT} admin=1")
