"""Servers that can be made to fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from tests.chaos.client import PREDICT, item
from tests.chaos.service import FaultyServer

StartServer = Callable[..., FaultyServer]


@dataclass(frozen=True)
class Poison:
    """A word that no other item has, and the token that it becomes."""

    word: str
    token: int

    def item(self, number: int) -> dict[str, str]:
        return {**item(number), "premise": f"{item(number)['premise']} {self.word}"}


@pytest.fixture(scope="session")
def poison(tiny_stilts: Path) -> Poison:
    tokenizer = Tokenizer.from_file(str(tiny_stilts / "tokenizer.json"))
    for piece, token in sorted(tokenizer.get_vocab().items()):
        # The items that the tests send are English.
        if len(piece) == 1 and piece.isalpha() and not piece.isascii():
            assert token in tokenizer.encode(piece).ids
            return Poison(piece, token)
    raise AssertionError("the tiny tokenizer knows ASCII alone")


@pytest.fixture(scope="session")
def sources(tiny_direct: Path, tiny_stilts: Path) -> dict[str, str]:
    return {"XCOPA_MODELS__DIRECT": str(tiny_direct), "XCOPA_MODELS__STILTS": str(tiny_stilts)}


@pytest.fixture
def start(sources: Mapping[str, str], tmp_path: Path) -> Iterator[StartServer]:
    """Starts a server that is the test's own, with the settings given, and waits for it."""
    with ExitStack() as running:

        def start_server(**settings: str) -> FaultyServer:
            server = running.enter_context(FaultyServer(tmp_path, {**sources, **settings}))
            server.wait_until_ready()
            return server

        yield start_server


@pytest.fixture(scope="session")
def veteran(
    sources: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FaultyServer]:
    """One server that has to live through many tests."""
    settings = {**sources, "XCOPA_BATCH_TOKENS": "512"}  # some five items
    with FaultyServer(tmp_path_factory.mktemp("veteran"), settings) as server:
        server.wait_until_ready()
        yield server


@pytest.fixture
def server(veteran: FaultyServer) -> Iterator[FaultyServer]:
    """The veteran; after each test it must be as good as new."""
    yield veteran
    veteran.faults.clear()
    veteran.wait_for_queue(0)
    assert veteran.process.poll() is None
    assert veteran.ready
    assert veteran.call(PREDICT, item(0)).status == HTTPStatus.OK
    assert veteran.metrics.value("xcopa_queue_seconds") == 0
