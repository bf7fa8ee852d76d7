"""A compressed body is decompressed as it arrives, and never beyond the limit."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.content_encoding import Decoder, decoder
from app.errors import BadBodyError, PayloadTooLargeError, ServiceError, UnsupportedEncodingError

MOST = 1_000


def made(encoding: str) -> Decoder:
    found = decoder(encoding, MOST)
    assert found is not None
    return found


def raw(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    " Deflate ": raw,
}


@given(st.sampled_from(sorted(PACKERS)), st.binary(max_size=MOST), st.integers(1, 50))
def test_what_was_compressed_comes_back_however_it_is_cut(
    encoding: str, body: bytes, size: int
) -> None:
    packed, decoding = PACKERS[encoding](body), made(encoding)
    parts = [packed[start : start + size] for start in range(0, len(packed), size)]
    assert b"".join(map(decoding.feed, parts)) == body
    decoding.end()


@given(st.sampled_from(["gzip", "deflate"]), st.binary(max_size=200))
def test_any_bytes_are_a_body_or_a_problem(encoding: str, body: bytes) -> None:
    decoding = made(encoding)
    try:
        assert len(decoding.feed(body)) <= MOST
        decoding.end()
    except ServiceError:
        pass


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_the_limit_itself_is_allowed_and_one_more_is_not(encoding: str) -> None:
    assert len(made(encoding).feed(PACKERS[encoding](bytes(MOST)))) == MOST
    with pytest.raises(PayloadTooLargeError, match="1000 bytes when decompressed"):
        made(encoding).feed(PACKERS[encoding](bytes(MOST + 1)))


def test_the_limit_holds_over_all_members_and_parts() -> None:
    decoding = made("gzip")
    decoding.feed(gzip.compress(bytes(600)))
    with pytest.raises(PayloadTooLargeError):
        decoding.feed(gzip.compress(bytes(600)))


def test_members_that_are_empty_have_an_end_too() -> None:
    with pytest.raises(BadBodyError):
        made("gzip").feed(gzip.compress(b"") * 200)


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_a_plain_body_needs_no_decoder(encoding: str) -> None:
    assert decoder(encoding, MOST) is None


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, br", "gzip,", "\xff" * 100])
def test_another_encoding_names_those_that_are_read(encoding: str) -> None:
    with pytest.raises(UnsupportedEncodingError) as refused:
        decoder(encoding, MOST)
    assert refused.value.headers == {"Accept-Encoding": "gzip, deflate"}
    assert len(refused.value.detail) < 200
