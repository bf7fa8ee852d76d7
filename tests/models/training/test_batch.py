"""Items become tensors: which row is whose, in what order, and on which device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import torch
from torch import Tensor

from models.training.batch import make_inputs
from models.training.example_tokenizer import Encoded
from tests.models.training.networks import PADDING, ROWS

ITEMS = [Encoded(ROWS[:3], (2,)), Encoded(ROWS[3:], (0,))]


def test_rows_keep_their_order_although_the_stream_sorts_them() -> None:
    made = make_inputs("multiple-choice", ITEMS, PADDING)
    ids = made.stream.ids[0].tolist()
    assert made.lengths == tuple(map(len, ROWS))
    for start, row in zip(made.stream.starts.tolist(), ROWS, strict=True):
        assert tuple(ids[start : start + len(row)]) == row


def test_items_know_how_many_rows_are_theirs_and_what_is_asked() -> None:
    made = make_inputs("multiple-choice", ITEMS, PADDING)
    assert made.head == "multiple-choice"
    assert made.counts == (3, 1)
    assert [target.tolist() for target in made.targets] == [[2], [0]]


def test_every_tensor_goes_to_the_device() -> None:
    made = make_inputs("multiple-choice", ITEMS, PADDING)
    moved = made.to(torch.device("meta"))
    devices = [tensor.device.type for tensor in tensors(moved)]
    assert devices == ["meta"] * len(list(tensors(made)))
    assert len(devices) >= 6, "ids, positions, starts, a mask and the targets"
    assert (moved.counts, moved.lengths) == (made.counts, made.lengths)


def tensors(value: object) -> Iterator[Tensor]:
    """Every tensor in a value object, however deep."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from tensors(each)
    elif is_dataclass(value):
        for field in fields(value):
            yield from tensors(getattr(value, field.name))
