"""transformers' padded forward pass, and torch's matrix product, in a process of their own.

    python -m loadtests.peers.padded_process embedded

Its threads wait as torch's do by default, not as the service sets it, so that each side of a
comparison runs at its best. The process reads batches (rows of token ids, a JSON list on each line)
and answers each with a ``PaddedAnswer``, a JSON object on one line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

# Before anything of app, which sets how idle threads wait: torch reads that when it is loaded.
import torch

from app.engine.compute import set_up
from app.settings import Settings
from loadtests.peers.padded import model_of
from loadtests.peers.padded_encoder import PaddedEncoder
from loadtests.timing import timed

SIDE = 2048
"""Of the square matrices whose product gives the machine's rate."""

RowBatch = Sequence[Sequence[int]]


@dataclass(frozen=True)
class PaddedAnswer:
    """What the process says of a batch."""

    seconds: float
    """That the forward pass took."""
    mm_rate: float
    """Operations a second of ``torch.mm``, measured right after it."""
    logits: list[float]
    """One a row."""


@contextmanager
def padded_process(shape: str) -> Iterator[Callable[[RowBatch], PaddedAnswer]]:
    """Yield a function that has the process run a batch; ``shape`` is what ``model_of`` takes."""
    environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    process = subprocess.Popen(  # noqa: S603 - this module
        [sys.executable, "-m", "loadtests.peers.padded_process", shape],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    requests, answers = process.stdin, process.stdout

    def ask(batch: RowBatch) -> PaddedAnswer:
        requests.write(json.dumps(batch) + "\n")
        requests.flush()
        return PaddedAnswer(**json.loads(answers.readline()))

    with process:
        yield ask
        requests.close()


def answer(encoder: PaddedEncoder, lines: Iterable[str]) -> Iterator[PaddedAnswer]:
    """Yield the answer to each line, a batch."""
    one, other = torch.randn(SIDE, SIDE), torch.randn(SIDE, SIDE)
    for line in lines:
        took, logits = timed(encoder.logits, json.loads(line))
        product, _ = timed(torch.mm, one, other)
        yield PaddedAnswer(took, 2 * SIDE**3 / product, logits)


def main() -> None:
    """Answer batches until the input ends."""
    # Without lanes: all threads work on every product, as transformers' users have it.
    set_up(Settings().threads, lanes=False)
    for each in answer(PaddedEncoder(model_of(sys.argv[1])), sys.stdin):
        sys.stdout.write(json.dumps(asdict(each)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
