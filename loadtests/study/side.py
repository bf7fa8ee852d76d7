"""One side of a comparison: what a fresh process runs, and what that came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

from app.engine.prompt import Prompt
from app.settings import DIRECT, STILTS

How = Literal["engine", "engine with its adapter apart", "cascade", "http"]
"""What runs the rows: the service's engine alone, with the adapter merged or kept apart, or as a
cascade; or the whole service. All on the CPU."""


@dataclass(frozen=True)
class Side:
    """What is run, and on what."""

    name: str
    model: str
    """A variant, as the settings name its weights; or a shape with random weights, ``base`` or
    ``large``."""
    how: How = "engine"
    precision: Literal["fp32", "bf16"] = "fp32"
    batch_items: int = 16
    """Of a batch; through HTTP, how many callers ask at the same time."""
    languages: tuple[str, ...] = ()
    """Of the items; all that there are if none is named."""
    prompt: Prompt | None = None
    """In place of the model's own."""
    second: str = ""
    """Of a cascade: the variant that is asked where ``model`` is unsure."""
    threshold: float = 0.0
    """Of a cascade: ``model`` is unsure where its probability is below this."""


@dataclass(frozen=True)
class Figures:
    """What the slices of a side came to."""

    calls: tuple[float, ...]
    """Seconds of each, a batch or a request, in the order in which they ended."""
    items: int
    seconds: float
    """Of everything, from the first call of a slice to the end of its last one."""
    cpu_seconds: float

    @classmethod
    def together(cls, slices: Sequence[Figures]) -> Self:
        """Add slices up."""
        return cls(
            tuple(call for each in slices for call in each.calls),
            sum(each.items for each in slices),
            sum(each.seconds for each in slices),
            sum(each.cpu_seconds for each in slices),
        )


@dataclass(frozen=True)
class Comparison:
    """Two sides under the same load, and what the difference between them is."""

    name: str
    question: str
    first: Side
    second: Side

    @property
    def is_of_itself(self) -> bool:
        """Whether both sides run the same, so that nothing may be found."""
        return replace(self.first, name="") == replace(self.second, name="")

    @property
    def is_of_variants(self) -> bool:
        """Whether the sides differ in nothing but the variant."""
        second = replace(self.second, name=self.first.name, model=self.first.model)
        models = {self.first.model, self.second.model}
        return models == {DIRECT, STILTS} and second == self.first

    @property
    def decides(self) -> bool:
        """Whether the answer of the study follows from it; the others show what else costs."""
        return self.is_of_itself or self.is_of_variants
