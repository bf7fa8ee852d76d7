"""A batch of one task, as the tensors that a network takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from models.training.example_tokenizer import Encoded
from models.training.stream import Stream, stream


@dataclass(frozen=True)
class Inputs:
    """A batch of one task, as tensors."""

    head: str
    stream: Stream
    lengths: tuple[int, ...]
    """``[rows]``: tokens of each row."""
    counts: tuple[int, ...]
    """``[items]``: rows of each item."""
    targets: tuple[Tensor, ...]
    """One an item."""

    def to(self, device: torch.device) -> Inputs:
        """Return the batch on a device."""
        targets = tuple(target.to(device) for target in self.targets)
        return replace(self, stream=self.stream.to(device), targets=targets)


def make_inputs(head: str, items: Sequence[Encoded], padding_id: int) -> Inputs:
    """Make the tensors of a batch.

    Args:
        head: the name of the head that reads it, of ``head_name``.
        items: of one task.
        padding_id: the token id that fills up rows; positions count from the next number.
    """
    rows = [row for item in items for row in item.rows]
    return Inputs(
        head=head,
        stream=stream(rows, padding_id),
        lengths=tuple(map(len, rows)),
        counts=tuple(len(item.rows) for item in items),
        targets=tuple(torch.tensor(item.target) for item in items),
    )
