"""Replaces a variant under load: what fails, how long do callers wait, is memory back?"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import gevent
from rich.console import Console
from rich.progress import track
from safetensors.torch import load_file, save_file

from app.keys.keys_file import add_key
from app.model_settings.sources import SHIPPED_MODELS
from app.weights.checkpoint import ADAPTER_WEIGHTS
from loadtests.bench.closed_load import CALLERS, closed_load
from loadtests.bench.inputs import MODEL, mixed_bodies
from loadtests.bench.open_load import HUNG_S, Arrival, OpenLoad
from loadtests.bench.results import RATIO, BenchResult, milliseconds
from loadtests.bench.servers import JSON, SERVICE, BenchServer, started

ROUNDS, QUIET_S, WARM_UP_S, CAPACITY_S = 4, 20.0, 5.0, 10.0
SHARE = 0.5
"""Of the capacity, what arrives: loading takes a processor, of which a small machine has two."""
CHANGE_LIMIT_S = 300.0
_LOADED = f"/v2/repository/models/{MODEL}/load"


@dataclass(frozen=True)
class ReplaceRound:
    """One replacement, the load around it, and the memory of all processes before and after."""

    quiet: Sequence[Arrival]
    changing: Sequence[Arrival]
    after: Sequence[Arrival]
    change_seconds: float
    memory: tuple[int, int]
    """Bytes before it, and after it under the same load."""

    @property
    def arrivals(self) -> list[Arrival]:
        """All of them, in which no moment is left out."""
        return [*self.quiet, *self.changing, *self.after]


def measure(console: Console) -> list[BenchResult]:
    """Return the calls that failed, p99 while a variant is replaced over p99 before, and memory."""
    with tempfile.TemporaryDirectory(prefix="xcopa-replace-") as made:
        folder = Path(made)
        key = add_key(folder / "keys", "bench", admin=True)
        revisions = _revisions(folder)
        with started(
            SERVICE, XCOPA_MODEL_CONTROL="true", XCOPA_API_KEYS_FILE=str(folder / "keys")
        ) as server:
            load = ReplaceLoad.at_a_share(server, {**JSON, "X-API-Key": key})
            rounds = [
                load.replace(next(revisions))
                for _ in track(range(ROUNDS), description="replaced", console=console)
            ]
    return results_of(rounds)


def results_of(rounds: Sequence[ReplaceRound]) -> list[BenchResult]:
    """Return what the rounds show."""
    arrivals = [each for one in rounds for each in one.arrivals]
    failed = [each for each in arrivals if each.status != HTTPStatus.OK]
    return [
        BenchResult.of(
            "calls that failed while a variant was replaced",
            "calls",
            [len(failed)],
            "<= 0",
            calls=len(arrivals),
            hung=sum(each.seconds > HUNG_S for each in arrivals),
            replaced=len(rounds),
            change_s=[round(each.change_seconds, 1) for each in rounds],
        ),
        BenchResult.of(
            f"p99 while a variant is replaced over p99 before, at {100 * SHARE:.0f} % load",
            RATIO,
            [_p99(each.changing) / _p99(each.quiet) for each in rounds],
            "<= 2",
            before_ms=[milliseconds(_p99(each.quiet)) for each in rounds],
            replacing_ms=[milliseconds(_p99(each.changing)) for each in rounds],
        ),
        BenchResult.of(
            "memory after a replacement over that before",
            RATIO,
            [after / before for before, after in (each.memory for each in rounds)],
            "<= 1.05",
            mb=[round(each.memory[0] / 1e6) for each in rounds]
            + [round(rounds[-1].memory[1] / 1e6)],
        ),
    ]


def _p99(arrivals: Sequence[Arrival]) -> float:
    taken = sorted(each.seconds for each in arrivals)
    return taken[int(0.99 * len(taken))]


def _revisions(folder: Path) -> Iterator[Path]:
    """Yield folders with the shipped adapter, each with other weights."""
    for number in range(1, ROUNDS + 1):
        made = folder / f"revision-{number}"
        shutil.copytree(SHIPPED_MODELS / MODEL, made)
        path = made / ADAPTER_WEIGHTS
        save_file({n: each * (1 + number / 100) for n, each in load_file(path).items()}, path)
        yield made


@dataclass(frozen=True)
class ReplaceLoad:
    """Requests that arrive at a server while a variant of it is replaced.

    Args:
        server: with an admin key among ``headers``.
        headers: of each request.
        bodies: of the requests.
        rate: requests a second.
    """

    server: BenchServer
    headers: Mapping[str, str]
    bodies: Sequence[bytes]
    rate: float

    @classmethod
    def at_a_share(cls, server: BenchServer, headers: Mapping[str, str]) -> ReplaceLoad:
        """Return the load that is a share of the capacity, which is measured first."""
        bodies = mixed_bodies()
        closed_load(server, bodies, CALLERS, WARM_UP_S, headers=headers)
        capacity = closed_load(server, bodies, CALLERS, CAPACITY_S, headers=headers).rate
        return cls(server, headers, bodies, SHARE * capacity)

    def replace(self, source: Path) -> ReplaceRound:
        """Replace the variant; requests arrive without a pause, from before it until after it."""
        with self._arriving() as quiet:
            gevent.sleep(QUIET_S)
            before = self.server.memory
        began = gevent.get_hub().loop.now()
        with self._arriving() as changing:
            self.change(source)
        seconds = gevent.get_hub().loop.now() - began
        with self._arriving() as after:
            gevent.sleep(QUIET_S / 2)
            memory = (before, self.server.memory)
        for each in (quiet, changing, after):
            each.wait()
        return ReplaceRound(quiet.arrivals, changing.arrivals, after.arrivals, seconds, memory)

    @contextmanager
    def _arriving(self) -> Iterator[OpenLoad]:
        """Have requests arrive, and wait for no answer: whoever comes next comes at once."""
        load = OpenLoad.to(self.server.port, "/predict/xcopa", self.bodies, self.headers)
        sending = gevent.spawn(load.send, self.rate, CHANGE_LIMIT_S)
        try:
            yield load
        finally:
            sending.kill()

    def change(self, source: Path) -> None:
        """Have the server load another revision, and return when the old one has ended.

        Raises:
            RuntimeError: it does not.
        """
        body = json.dumps({"parameters": {"source": str(source)}}).encode()
        with self.server.client(1, timeout=CHANGE_LIMIT_S) as client:
            response = client.post(_LOADED, body, self.headers)
            said = response.read()
        if response.status_code != HTTPStatus.OK:
            raise RuntimeError(f"the variant was not replaced: {said.decode()}")
