"""The memory of a forward pass is known before it, and does not grow with the square of a row."""

from __future__ import annotations

import multiprocessing
import os
import re
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import torch

from app.engine.encoder import PackedEncoder
from app.engine.lanes import shares
from app.engine.memory import PART_TOKENS, working_bytes
from app.engine.target import EXACT, Precision, Target
from tests import tiny
from tests.oracle import PaddedOracle

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")

needs_peaks = pytest.mark.skipif(
    not os.access(CLEAR, os.W_OK), reason="the kernel keeps no peak memory that can be reset"
)


def resident(field: str) -> int:
    found = re.search(rf"{field}:\s+(\d+) kB", STATUS.read_text())
    assert found
    return int(found[1]) * 1024


def taken(shape: dict[str, int], rows: list[tuple[int, ...]]) -> tuple[int, int]:
    """Return what is stated for such a model, and how far memory rose above what it was, in bytes.

    In a process of its own: in one that has run other tests, the pass takes memory that they freed.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_taken_here, shape, rows).result()


def _taken_here(shape: dict[str, int], rows: list[tuple[int, ...]]) -> tuple[int, int]:
    model = tiny.drawn_multiple_choice(1, **shape)
    longest = max(map(len, rows))
    encoder = PackedEncoder(model)
    encoder.warm_up()
    CLEAR.write_text("5")  # forgets the peak so far; see proc(5)
    before = resident("VmRSS")
    encoder.logits(rows)
    rose = resident("VmHWM") - before
    return working_bytes(model.config, EXACT, longest), rose


def row(tokens: int) -> tuple[int, ...]:
    return (0, *([7, 8, 9] * tokens)[: tokens - 2], 2)


@pytest.mark.slow
@needs_peaks
@pytest.mark.parametrize("tokens", [3_000, 7_900])
def test_one_text_of_7900_tokens_took_gigabytes(tokens: int) -> None:
    """8,194 positions and 16 heads: a layer's scores alone would be 4 GB, their shares as much."""
    shape = {"max_position_embeddings": 8_194, "num_attention_heads": 16, "hidden_size": 256}
    stated, rose = taken(shape, [row(tokens)])
    assert 0.25 * stated < rose < stated
    assert stated < 300e6


@pytest.mark.slow
@needs_peaks
def test_many_short_rows_take_no_more_than_is_stated() -> None:
    rows = [row(length) for length in range(3, 60)] * 20 + [row(tiny.MAX_TOKENS)]
    stated, rose = taken({"hidden_size": 512, "num_attention_heads": 8}, rows)
    assert rose < stated


def test_rows_longer_than_a_part_have_the_logits_of_transformers() -> None:
    model = tiny.drawn_multiple_choice(2, max_position_embeddings=1_602)
    rows = [row(length) for length in (1_600, PART_TOKENS + 1, PART_TOKENS, 5)]
    expected = PaddedOracle(model).logits(rows)
    assert PackedEncoder(model).logits(rows) == pytest.approx(expected, abs=1e-4)


def test_a_longer_row_and_a_wider_model_need_more_and_half_the_bits_less() -> None:
    config = tiny.config(hidden_size=256)
    long = working_bytes(config, EXACT, 8_192)
    assert long > working_bytes(config, EXACT, 4_096) > working_bytes(config, EXACT, 512)
    assert working_bytes(tiny.config(hidden_size=512), EXACT, 8_192) > long
    half = Target(torch.device("cpu"), Precision.BF16)
    assert working_bytes(config, half, 8_192) < long


def test_what_is_stated_is_the_sum_of_its_tensors() -> None:
    """By hand, for 1,000 tokens (rounded up to 1,008; a part has 512, and pads to 1,024)."""
    config = tiny.config(hidden_size=64, num_attention_heads=4, intermediate_size=128)
    tokens = 1_024
    attention = 8 * tokens * 64 * 4  # query, key, value, twice; two contexts
    stream = 2 * tokens * 64 * 4
    places = 8 * tokens * 4 * 8
    scores = 4 * tokens * tokens * 8  # and the shares; fewer than are in memory at once
    stated = 1.6 * (attention + stream + places + scores) + 48_000_000
    assert working_bytes(config, EXACT, 1_000) == int(stated)


def test_where_the_widest_layer_needs_more_than_the_scores_it_counts() -> None:
    config = tiny.config(hidden_size=64, num_attention_heads=1, intermediate_size=65_536)
    tokens = 1_024
    others = 8 * tokens * 64 * 4 + 2 * tokens * 64 * 4 + 8 * tokens * 1 * 8
    widest = 512 * (65_536 + 2 * 64) * 4
    assert working_bytes(config, EXACT, 10) == int(1.6 * (others + widest)) + 48_000_000


def test_scores_are_bounded_and_those_of_half_the_bits_take_as_much() -> None:
    config = tiny.config(hidden_size=64, num_attention_heads=4, intermediate_size=128)
    half = Target(torch.device("cpu"), Precision.BF16)
    tokens, most = 8_192, 1 << 23
    places = 8 * tokens * 4 * 8
    rest = 2 * tokens * 64 * 4 + places + most * 8
    for target, itemsize in ((EXACT, 4), (half, 2)):
        stated = 1.6 * (8 * tokens * 64 * itemsize + rest)
        assert working_bytes(config, target, tokens) == int(stated) + 48_000_000


def test_a_lane_takes_the_longest_row_by_itself() -> None:
    """So what the service may take is that of one engine times its lanes."""
    assert shares([8_192, 8_192, 8_192], 2) == [[0, 2], [1]]
