"""Three variants that always have items waiting: does each get the share that its weight says?"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import gevent
from rich.console import Console
from rich.progress import track

from app.settings import DIRECT, STILTS, Settings
from loadtests.bench.closed_load import closed_load
from loadtests.bench.inputs import body, mixed_items
from loadtests.bench.results import RATIO, BenchResult
from loadtests.bench.servers import JSON, SERVICE, BenchServer, Samples, started

AGAIN = "again"
"""The source of another variant under a name of its own."""

WEIGHTS: Mapping[str, int] = {DIRECT: 1, STILTS: 2, AGAIN: 4}
CALLERS = 48
"""Of each variant, one item each: more than all engines take at once, so that others wait."""

LEAD_S, ROUNDS, ROUND_S, LOOK_S = 5.0, 3, 30.0, 1.0
"""LEAD_S is how long all ask before the first round."""

_SPENT, _WAITING = "xcopa_batch_duration_seconds_sum", "xcopa_queue_items"


@dataclass(frozen=True)
class SharesRound:
    """What each variant got for some time."""

    seconds: Mapping[str, float]
    """Of the engines, on its batches."""
    waiting: Mapping[str, float]
    """Items that waited for it, when it had least."""

    @property
    def shares(self) -> dict[str, float]:
        """Of all seconds; they sum to 1."""
        total = sum(self.seconds.values())
        return {name: spent / total for name, spent in self.seconds.items()}

    def off_by(self, weights: Mapping[str, int]) -> float:
        """Return the largest part by which a share differs from that of the weight."""
        total = sum(weights.values())
        return max(abs(self.shares[name] * total / weights[name] - 1) for name in weights)


def measure(console: Console) -> list[BenchResult]:
    """Return by how much the shares of three variants differ from their weights at most."""
    with tempfile.TemporaryDirectory(prefix="xcopa-shares-") as folder:
        file = Path(folder) / "models.toml"
        file.write_text(models_file(WEIGHTS, {AGAIN: _source()}), encoding="utf-8")
        with started(SERVICE, XCOPA_MODELS_FILE=str(file)) as server:
            asking = [gevent.spawn(_ask, server, model) for model in WEIGHTS]
            gevent.sleep(LEAD_S)
            rounds = [
                _round(server) for _ in track(range(ROUNDS), description="shared", console=console)
            ]
            gevent.joinall(asking, raise_error=True)
    return [result_of(rounds, WEIGHTS)]


def models_file(weights: Mapping[str, int], sources: Mapping[str, str]) -> str:
    """Return the content of ``XCOPA_MODELS_FILE``.

    Args:
        weights: of all variants.
        sources: of those that have none without it.
    """
    lines = []
    for name, weight in weights.items():
        lines += [f"[models.{name}]", f"weight = {weight}"]
        if name in sources:
            lines.append(f"source = {json.dumps(sources[name])}")
    return "\n".join(lines) + "\n"


def result_of(rounds: Sequence[SharesRound], weights: Mapping[str, int]) -> BenchResult:
    """Return the result of rounds; one in which a variant had nothing waiting shows nothing."""
    return BenchResult.of(
        "largest part by which a variant's share of the engines differs from that of its weight",
        RATIO,
        [each.off_by(weights) for each in rounds],
        "<= 0.05",
        weights=dict(weights),
        shares=[{name: round(part, 3) for name, part in each.shares.items()} for each in rounds],
        waiting_at_least=min(min(each.waiting.values()) for each in rounds),
    )


def _source() -> str:
    """Return that of a variant, wherever the file is that names it."""
    source = Settings().variants[STILTS].source
    return str(Path(source).resolve()) if Path(source).exists() else source


def _ask(server: BenchServer, model: str) -> None:
    bodies = [body(item, model) for item in mixed_items(CALLERS * 8)]
    # Room in the queue is shared by callers, and each variant has its own.
    headers = {**JSON, "X-API-Key": model}
    seconds = LEAD_S + ROUNDS * (ROUND_S + 2 * LOOK_S)
    closed_load(server, bodies, CALLERS, seconds, headers=headers)


def _round(server: BenchServer) -> SharesRound:
    began = time.monotonic()
    looks = [server.metrics()]
    while time.monotonic() < began + ROUND_S:
        gevent.sleep(LOOK_S)
        looks.append(server.metrics())
    return seen(looks, WEIGHTS)


def seen(looks: Sequence[Samples], models: Mapping[str, int]) -> SharesRound:
    """Return what scrapes show, of which the first and the last are the ends of a round.

    Raises:
        RuntimeError: nothing was computed in it.
    """
    first, last = looks[0], looks[-1]
    seconds = {name: last[_SPENT, name] - first[_SPENT, name] for name in models}
    if not any(seconds.values()):
        raise RuntimeError("no batch ended within a round; other work uses the processors")
    return SharesRound(
        seconds, {name: min(each[_WAITING, name] for each in looks) for name in models}
    )
