"""What only some systems and processors have is used where it is, and done without where not."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from http import HTTPStatus

import pytest

from tests.chaos.client import PREDICT, call, close_to, item
from tests.chaos.conftest import StartServer
from tests.conftest import ROOT
from tests.e2e.server import ServerProcess


class BareServer(ServerProcess):
    """The service on a machine that lacks all of it."""

    def __init__(self, *arguments: str, settings: Mapping[str, str]) -> None:
        self.output = []
        self.url = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.bare_server", *arguments],
            cwd=ROOT,
            env={**os.environ, "XCOPA_PORT": "0", "XCOPA_BATCH_TOKENS": "128", **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("system", "engines", "says"),
    [("linux", "2", "2 engines run the models"), ("macos", "auto", "in 1 lanes")],
)
def test_it_starts_and_answers_as_everywhere(
    system: str, engines: str, says: str, sources: Mapping[str, str], start: StartServer
) -> None:
    expected = start().call(PREDICT, item(1)).logits
    settings = {**sources, "XCOPA_ENGINES": engines, "XCOPA_THREADS": "1"}
    with BareServer(system, settings=settings) as server:
        server.wait_until_ready()
        server.wait_for_line(says)
        reply = call(server.url, PREDICT, item(1))
        assert reply.status == HTTPStatus.OK
        assert reply.logits == close_to(expected)
        server.terminate()
        assert server.exit_status() == 0
