"""One side of a comparison: what a fresh process runs, as it goes over its command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

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

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what ``to_json`` wrote."""
        content: dict[str, Any] = json.loads(text)
        prompt = content.pop("prompt")
        return cls(
            **{**content, "languages": tuple(content["languages"])},
            prompt=None if prompt is None else Prompt(**prompt),
        )


@dataclass(frozen=True)
class Figures:
    """What one run came to."""

    seconds: tuple[float, ...]
    """Of each call, a batch or a request, in the order in which they ended."""
    items_a_second: float
    cpu_seconds_an_item: float
    noise: Mapping[str, float]
    """Of the machine while it ran: see ``noise.py``."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what ``to_json`` wrote."""
        content = json.loads(text)
        return cls(**{**content, "seconds": tuple(content["seconds"])})


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
