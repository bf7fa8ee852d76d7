"""Who holds a key that was sent, and what that holder may ask for."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import RateLimitedError
from app.keys.api_key import draw
from app.keys.bucket import TokenBucket
from app.keys.ring import KeyHolder, KeyRing
from app.telemetry.metrics import Metrics

DRAWN = [draw(f"n{number}") for number in range(20)]
KEYS = [text.encode() for text, _ in DRAWN]


@pytest.fixture(scope="module")
def ring() -> KeyRing:
    return KeyRing([KeyHolder(key, None, Metrics([])) for _, key in DRAWN])


def test_each_key_has_its_holder(ring: KeyRing) -> None:
    found = [ring.find(key) for key in KEYS]
    assert [holder.name if holder else None for holder in found] == [f"n{n}" for n in range(20)]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"_",
        b"__",
        b"xcopa",
        b"caf\xe9",
        b"\xff" * 30_000,
        KEYS[0][:-1],
        KEYS[0] + b"0",
        KEYS[0].upper(),
        b" " + KEYS[0],
        KEYS[0].replace(b"xcopa", b"other"),
        KEYS[0][:39] + KEYS[1][39:],
        DRAWN[0][1].digest,
        DRAWN[0][1].digest.hex().encode(),
        DRAWN[0][1].line.encode(),
    ],
)
def test_what_is_not_quite_a_key_has_no_holder(ring: KeyRing, sent: bytes) -> None:
    assert ring.find(sent) is None


@given(st.binary())
def test_no_bytes_raise(sent: bytes) -> None:
    """``compare_digest`` raises for text that is not ASCII: others answered 500 then."""
    ring = KeyRing([KeyHolder(key, None, Metrics([])) for _, key in DRAWN[:2]])
    assert ring.find(sent) is None


@pytest.mark.parametrize(
    "sent", [KEYS[0], KEYS[19], KEYS[0][:-1] + b"x", b"xcopa_0_0", b"", b"\xff"]
)
def test_each_key_costs_one_comparison_in_constant_time(
    ring: KeyRing, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long it takes says neither whether there is such a holder nor which one it is."""
    compared: list[tuple[int, int]] = []
    real = hmac.compare_digest

    def spy(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return real(one, other)

    monkeypatch.setattr("app.keys.ring.hmac.compare_digest", spy)
    ring.find(sent)
    assert compared == [(32, 32)]


def test_a_ring_without_keys_lets_nobody_in() -> None:
    ring = KeyRing([])
    assert [ring.find(sent) for sent in (b"", *KEYS)] == [None] * 21


def holder(limit: int | None, metrics: Metrics) -> KeyHolder:
    _, key = draw("alice", tokens_per_second=limit)
    metrics.keys_taken(["alice"])
    return KeyHolder(key, TokenBucket(limit, lambda: 0.0) if limit else None, metrics)


def count(metrics: Metrics, series: str) -> float | None:
    return metrics.registry.get_sample_value(f"xcopa_key_{series}_total", {"key": "alice"})


def test_a_key_in_debt_is_told_for_how_long_and_by_its_name_alone() -> None:
    metrics = Metrics([])
    limited = holder(10, metrics)
    limited.check()
    limited.spend(75)
    with pytest.raises(RateLimitedError, match=r"alice has used its 10 tokens .* 6\.5 s") as raised:
        limited.check()
    assert raised.value.headers == {"Retry-After": "7"}
    assert limited.key.salt not in str(raised.value)
    assert (count(metrics, "tokens"), count(metrics, "limited")) == (75, 1)


def test_a_key_without_a_limit_is_never_in_debt_but_counted() -> None:
    metrics = Metrics([])
    free = holder(None, metrics)
    free.spend(10**9)
    free.check()
    assert (count(metrics, "tokens"), count(metrics, "limited")) == (10**9, 0)
