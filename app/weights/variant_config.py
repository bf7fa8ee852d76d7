"""What a variant says of itself besides its weights: ``xcopa.json``.

Training stores it with the weights and serving reads it from there, so that both ask in the same
words, and probabilities mean what was measured.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

from app.engine.prompt import Prompt, TextOrder
from app.errors import StartError

VARIANT_CONFIG = "xcopa.json"

_FORM = (
    '{"prompt": {"cause": "...", "effect": "...", "order": "premise-first" or "cause-first"}, '
    '"temperature": a number above 0}; order and temperature may be left out'
)


@dataclass(frozen=True)
class VariantConfig:
    """How a variant is asked, and how sure its answers are."""

    prompt: Prompt = field(default_factory=Prompt)
    temperature: float = 1.0
    """What logits are divided by before the softmax (Guo et al. 2017, arXiv 1706.04599)."""

    def save(self, directory: Path) -> None:
        content = json.dumps(self.content(), indent=2) + "\n"
        (directory / VARIANT_CONFIG).write_bytes(content.encode())

    def content(self) -> dict[str, Any]:
        """Return what the file holds; what may be left out is, where it is the default."""
        prompt = asdict(self.prompt)
        if self.prompt.order == Prompt.order:
            del prompt["order"]
        if self.temperature == VariantConfig.temperature:
            return {"prompt": prompt}
        return {"prompt": prompt, "temperature": self.temperature}

    @classmethod
    def load(cls, directory: Path) -> VariantConfig:
        """Read the file of a checkpoint; one without gets the default words.

        Raises:
            StartError: the file is there and does not hold what it must.
        """
        path = directory / VARIANT_CONFIG
        if not path.exists():
            return cls()
        try:
            content = json.loads(path.read_bytes())
            return cls(_prompt(content["prompt"]), _temperature(content.get("temperature", 1.0)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StartError(f"{path} must hold {_FORM}: {error!r}") from error


def _prompt(content: Mapping[str, Any]) -> Prompt:
    order = content.get("order", Prompt.order)
    if order not in get_args(TextOrder):
        raise ValueError(f"order is {order!r}")
    return Prompt(cause=str(content["cause"]), effect=str(content["effect"]), order=order)


def _temperature(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"temperature is {value!r}")
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"temperature is {value!r}")
    return float(value)
