"""What is to be known of a model besides what it answers; imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.engine.kernel_choice import Kernels

AdapterState = Literal["none", "merged", "apart"]
"""Whether a model has an adapter, and whether that was merged into a copy of its base."""


@dataclass(frozen=True)
class Facts:
    """A model in memory, as those see it who only hand rows to it."""

    revision: str
    """Twelve hex digits that change with all that changes an answer; see ``revision``."""
    shape: str
    """Of the encoder; models of one shape, with whatever weights, take the same time."""
    parameters: int
    working_bytes: int
    """The most memory that passes take beside the weights, in all engines together."""
    max_tokens: int
    """Of a row."""
    vocab_size: int
    bos_token_id: int
    eos_token_id: int
    kernels: Kernels
    machine: str
    """All that the speed of any pass depends on, beside the model and the threads."""
    device: str
    """The kind, such as ``cpu``."""
    precision: str
    threads: int
    """Of one pass."""
    adapter: AdapterState
