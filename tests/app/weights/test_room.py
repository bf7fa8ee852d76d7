"""Memory for models beside those that are served is counted from the headers of their files."""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from app.errors import NoRoomError, StartError
from app.weights.checkpoint import ADAPTER_WEIGHTS, WEIGHTS, Checkpoint
from app.weights.room import LEAST_PROCESS_BYTES, MARGIN, InMemory, check_room, needed_bytes
from tests import tiny

WORKING = 1_000
TABLE = 4 * tiny.PIECES * 32


def in_fp32(path: Path) -> int:
    return 4 * sum(tensor.numel() for tensor in load_file(path).values())


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    folder = tiny.multiple_choice(tmp_path_factory.mktemp("room") / "full")
    return Checkpoint("full", folder)


@pytest.fixture(scope="module")
def adapted(full: Checkpoint) -> Checkpoint:
    folder = tiny.adapter(full.full.parent / "adapter", full.full)
    return Checkpoint("adapter", full.full, folder)


def beside(checkpoints: list[Checkpoint], now: list[Checkpoint], taken: int) -> float:
    return needed_bytes(checkpoints, [], InMemory(now, [], taken, WORKING)) / MARGIN


def test_the_same_again_takes_what_is_taken_and_the_largest_once_more(
    full: Checkpoint, adapted: Checkpoint
) -> None:
    taken = 10**9
    largest = in_fp32(full.full / WEIGHTS) + in_fp32(adapted.own / ADAPTER_WEIGHTS)
    both = [full, adapted]
    assert beside(both, both, taken) == pytest.approx(taken + largest, abs=2)


def test_another_model_adds_what_it_does_not_share(full: Checkpoint, adapted: Checkpoint) -> None:
    taken = 10**9
    own = in_fp32(full.full / WEIGHTS)
    adapter = in_fp32(adapted.own / ADAPTER_WEIGHTS)
    assert beside([full, adapted], [full], taken) == pytest.approx(
        taken + (own - TABLE + adapter) + own + adapter, abs=2
    )


def test_adapters_apart_share_their_whole_base(full: Checkpoint, adapted: Checkpoint) -> None:
    taken = 10**9
    own = in_fp32(full.full / WEIGHTS)
    adapter = in_fp32(adapted.own / ADAPTER_WEIGHTS)
    second = replace(adapted, setting="XCOPA_MODELS__SECOND")
    now = InMemory([adapted], [adapted], taken, WORKING)
    both = [adapted, second]
    loading = own + adapter
    assert needed_bytes(both, both, now) / MARGIN == pytest.approx(taken + adapter + loading, abs=2)
    assert needed_bytes(both, [adapted], now) / MARGIN == pytest.approx(
        taken + adapter + (own - TABLE) + loading, abs=2
    )


def test_where_nobody_says_what_is_taken_a_process_and_its_passes_are(full: Checkpoint) -> None:
    own = in_fp32(full.full / WEIGHTS)
    assert beside([full], [full], 0) == pytest.approx(
        2 * own + LEAST_PROCESS_BYTES + WORKING, abs=2
    )


def test_too_little_is_refused_and_enough_or_unknown_is_not(full: Checkpoint) -> None:
    now = InMemory([full], [], 10**9, WORKING)
    needed = needed_bytes([full], [], now)
    check_room([full], [], now, needed)
    check_room([full], [], now, None)
    with pytest.raises(NoRoomError) as refused:
        check_room([full], [], now, needed - 1)
    said = str(refused.value)
    assert re.search(r"about 1,1\d\d MB .* 1,1\d\d MB are free; nothing was loaded\. ", said)
    helps = "Free memory, raise the limit of the container, or restart with other settings"
    assert said.endswith(helps)


@pytest.mark.parametrize(
    "content", [b"", b"\x01", struct.pack("<Q", 50) + b"{", struct.pack("<Q", 1 << 60) + b"{}"]
)
def test_a_file_that_is_cut_is_named(tmp_path: Path, full: Checkpoint, content: bytes) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / WEIGHTS).write_bytes(content)
    with pytest.raises(StartError, match=rf"{WEIGHTS} is no safetensors file, or not whole"):
        needed_bytes([Checkpoint("cut", tmp_path)], [], InMemory([full], [], 0, 0))
