"""A caller is a key's digest, an address, or the network of one."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from app.api.caller import caller_of, key_of
from tests.app.api.stand_in import application, request

LONGEST = 64


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return application()


def caller(app: FastAPI, peer: str = "192.0.2.7", **headers: str) -> str:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return caller_of(request(app, named, peer=(peer, 1))).name


def test_a_caller_without_a_key_is_its_address(app: FastAPI) -> None:
    assert caller(app) == "192.0.2.7"


def test_a_key_makes_the_caller_and_not_its_address(app: FastAPI) -> None:
    one, other = (caller(app, peer, X_API_Key="mine") for peer in ("192.0.2.7", "192.0.2.8"))
    assert one == other
    assert one != caller(app, X_API_Key="yours")


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER   "])
def test_a_key_is_one_caller_by_whichever_header_it_comes(app: FastAPI, scheme: str) -> None:
    assert caller(app, X_API_Key="mine") == caller(app, Authorization=f"{scheme}mine")


def test_another_scheme_is_a_key_as_a_whole(app: FastAPI) -> None:
    assert key_of(request(app, {"Authorization": "Basic bWluZQ=="})) == "Basic bWluZQ=="


def test_an_empty_key_is_no_key(app: FastAPI) -> None:
    assert caller(app, X_API_Key="") == "192.0.2.7"


def test_a_caller_without_an_address_has_a_turn_too(app: FastAPI) -> None:
    assert caller_of(request(app, peer=None)).name == ""


@pytest.mark.parametrize("key", ["k", "geheim", "x" * 30_000])
def test_a_key_is_kept_as_a_digest_of_one_size(app: FastAPI, key: str) -> None:
    """150 keys of a megabyte each left 244 MB behind, and could be read in memory."""
    made = caller(app, X_API_Key=key)
    assert len(made) == len(caller(app, X_API_Key="other")) < LONGEST
    assert key not in made.removeprefix("key:") or len(key) == 1


def test_addresses_of_one_network_in_ipv6_are_one_caller(app: FastAPI) -> None:
    """Whoever has one has 2**64 of them, and so as many turns."""
    assert caller(app, "2001:db8::1") == caller(app, "2001:db8::ffff:1:2") == "2001:db8::/64"
    assert caller(app, "2001:db8:0:1::1") != caller(app, "2001:db8::1")


def test_an_address_is_one_caller_however_it_is_written(app: FastAPI) -> None:
    assert caller(app, "::ffff:192.0.2.7") == caller(app, "192.0.2.7")


@pytest.mark.parametrize("host", ["x" * 30_000, "unix:", "a" * 16, "1:2:3"])
def test_what_a_proxy_passes_on_is_bounded(app: FastAPI, host: str) -> None:
    assert len(caller(app, host)) < LONGEST
