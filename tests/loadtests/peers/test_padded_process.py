"""The padded pass in a process of its own: batches go in as lines, answers come out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from transformers import XLMRobertaForMultipleChoice

from loadtests.peers import padded_process as process
from loadtests.peers.padded_encoder import PaddedEncoder
from tests.oracle import PaddedOracle

BATCHES = [[[0, 5, 9, 2], [0, 2]], [[0, 7, 8, 6, 2]]]

# What stands in for the process: it answers each batch with its rows' lengths.
STAND_IN = """
import json, os, sys
for line in sys.stdin:
    waits = "OMP_WAIT_POLICY" in os.environ
    logits = [float(len(row)) for row in json.loads(line)]
    answer = {"seconds": 0.5, "mm_rate": float(waits), "logits": logits}
    print(json.dumps(answer), flush=True)
"""


def test_each_line_is_answered_with_logits_time_and_the_rate_of_a_product(
    tiny_stilts: Path, oracle: PaddedOracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "SIDE", 8)
    encoder = PaddedEncoder(XLMRobertaForMultipleChoice.from_pretrained(tiny_stilts))
    answers = list(process.answer(encoder, map(json.dumps, BATCHES)))
    for batch, answer in zip(BATCHES, answers, strict=True):
        assert answer.logits == pytest.approx(oracle.logits(batch), abs=1e-5)
        assert answer.seconds > 0
        assert answer.mm_rate > 0


def test_batches_are_asked_in_turn_and_threads_wait_as_torch_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = []

    def stand_in(arguments: list[str], **options: object) -> subprocess.Popen[str]:
        started.append(arguments[1:])
        return subprocess.Popen([sys.executable, "-c", STAND_IN], **options)  # type: ignore[call-overload,no-any-return]

    module = SimpleNamespace(Popen=stand_in, PIPE=subprocess.PIPE)
    monkeypatch.setattr(process, "subprocess", module)
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    with process.padded_process("base") as ask:
        answers = [ask(batch) for batch in BATCHES]
    assert started == [["-m", "loadtests.peers.padded_process", "base"]]
    assert answers == [
        process.PaddedAnswer(0.5, 0, [4, 2]),
        process.PaddedAnswer(0.5, 0, [5]),
    ]
