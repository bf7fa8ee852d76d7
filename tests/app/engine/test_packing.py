"""The layout of a batch: positions, groups, and the way to the padded view."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.models.xlm_roberta.modeling_xlm_roberta import XLMRobertaEmbeddings

from app.engine.engine import ALIGNMENT
from app.engine.packing import MERGE_BELOW, PackedRows, aligned, pack, place

PADDING = 1

Row = list[int]


def by_length(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=len)


# Few ids, so that the padding id stands inside many rows.
ROWS = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=40), min_size=1, max_size=20).map(
    by_length
)
MERGE = st.sampled_from([0, 64, MERGE_BELOW, 1 << 20])


def starts(rows: Sequence[Row]) -> list[int]:
    lengths = [len(row) for row in rows]
    return [sum(lengths[:index]) for index in range(len(lengths))]


def stream(packed: PackedRows, rows: Sequence[Row]) -> list[int]:
    return [int(id_) for id_ in packed.ids[: sum(map(len, rows))]]


@given(ROWS)
def test_the_stream_is_the_rows_end_to_end_and_a_tail_of_padding(rows: list[Row]) -> None:
    packed = pack(rows, PADDING)
    assert stream(packed, rows) == [token for row in rows for token in row]
    assert len(packed.ids) == len(packed.positions) == aligned(sum(map(len, rows)))
    assert set(packed.ids[sum(map(len, rows)) :].tolist()) <= {PADDING}
    assert packed.firsts[: len(rows)].tolist() == starts(rows)
    assert len(packed.firsts) % ALIGNMENT == 0


@given(ROWS, st.integers(0, 5))
def test_positions_are_those_of_transformers(rows: list[Row], padding: int) -> None:
    packed = pack(rows, padding)
    number = XLMRobertaEmbeddings.create_position_ids_from_input_ids
    for row, start in zip(rows, starts(rows), strict=True):
        [expected] = number(torch.tensor([row]), padding).tolist()
        assert packed.positions[start : start + len(row)].tolist() == expected


@given(ROWS, MERGE)
def test_groups_partition_the_rows_and_the_padded_view(rows: list[Row], merge: int) -> None:
    packed = pack(rows, PADDING, merge)
    groups = packed.groups
    covered = [index for group in groups for index in range(len(rows))[group.rows]]
    assert covered == list(range(len(rows)))
    places = [place for group in groups for place in range(group.slots.start, group.slots.stop)]
    assert places == list(range(len(packed.to_slots)))
    for group in groups:
        lengths = [len(row) for row in rows[group.rows]]
        assert group.width == max(lengths)
        assert sum(group.width**2 - length**2 for length in lengths) <= merge
        assert (group.mask is None) == (group.padding is None) == (len(set(lengths)) == 1)


@given(ROWS, MERGE)
def test_every_token_comes_back_from_the_padded_view(rows: list[Row], merge: int) -> None:
    packed = pack(rows, PADDING, merge)
    padded = packed.ids[packed.to_slots]
    for group in packed.groups:
        block = padded[group.slots].view(group.size, group.width)
        for line, row in zip(block.tolist(), rows[group.rows], strict=True):
            assert line[: len(row)] == row
            assert set(line[len(row) :]) <= {row[0]}


@given(ROWS)
def test_a_mask_hides_padding_alone(rows: list[Row]) -> None:
    for group in pack(rows, PADDING, merge_below=1 << 20).groups:
        if group.mask is None:
            continue
        hidden = np.isneginf(group.mask[:, 0].numpy())
        lengths = [len(row) for row in rows[group.rows]]
        assert hidden.tolist() == [[place >= n for place in range(group.width)] for n in lengths]
        assert set(group.mask[~group.mask.isinf()].tolist()) == {0.0}


@pytest.mark.parametrize(
    ("merge", "groups"),
    [
        (0, [[3], [5, 5], [6]]),
        (10, [[3], [5, 5], [6]]),
        # A row of 5 beside one of 6 wastes 36 - 25 scores.
        (11, [[3], [5], [5, 6]]),
        (22, [[3], [5, 5, 6]]),
        (48, [[3], [5, 5, 6]]),
        (49, [[3, 5, 5, 6]]),
    ],
)
def test_a_group_takes_in_shorter_rows_for_as_much_waste_as_is_allowed(
    merge: int, groups: list[list[int]]
) -> None:
    lengths = [3, 5, 5, 6]
    packed = pack([[0] * length for length in lengths], PADDING, merge)
    assert [lengths[group.rows] for group in packed.groups] == groups


def test_on_cuda_a_copy_is_made_from_pinned_memory_and_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cuda, pinned = torch.device("cuda"), torch.zeros(1)
    copies: list[tuple[torch.Tensor, torch.device, bool]] = []

    def to(tensor: torch.Tensor, device: torch.device, non_blocking: bool = False) -> torch.Tensor:
        copies.append((tensor, device, non_blocking))
        return tensor

    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda _: pinned)
    monkeypatch.setattr(torch.Tensor, "to", to)
    place(np.zeros(1), cuda)
    [(copied, device, non_blocking)] = copies
    assert copied is pinned
    assert (device, non_blocking) == (cuda, True)
