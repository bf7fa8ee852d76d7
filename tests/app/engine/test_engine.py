"""What everything above an engine may count on, whatever computes."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from app.engine.engine import Engine
from app.weights.variant import load_variants
from tests import tiny


@pytest.fixture(scope="module")
def engine(tiny_direct: Path) -> Engine:
    return load_variants({"direct": str(tiny_direct)}, Path())["direct"].engine


def rows(*lengths: int) -> list[list[int]]:
    chance = random.Random(1)  # noqa: S311
    return [[0, *(chance.randrange(3, tiny.PIECES) for _ in range(n - 1))] for n in lengths]


def test_logits_come_in_the_order_of_the_rows_whatever_their_lengths(engine: Engine) -> None:
    some = rows(1, 40, 2, tiny.MAX_TOKENS, 17, 1, 40)
    found = engine.logits(some)
    alone = [engine.logits([row])[0] for row in some]
    assert list(found) == pytest.approx(alone, abs=1e-4)
    assert len(set(found[1:5])) == 4


def test_a_logit_is_a_plain_number(engine: Engine) -> None:
    """It goes into JSON and between processes."""
    assert [type(each) for each in engine.logits(rows(3, 4))] == [float, float]


def test_warming_up_changes_no_answer_and_may_be_done_again(engine: Engine) -> None:
    before = engine.logits(rows(5, 9))
    engine.warm_up()
    engine.warm_up()
    assert engine.logits(rows(5, 9)) == pytest.approx(before, abs=1e-6)


def test_what_serving_knows_of_an_engine_brings_no_torch() -> None:
    program = "import sys, app.engine.engine, app.serving.worker; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
