"""How a checkpoint asks: the two texts of a row, and the probabilities of its logits.

Needs the standard library alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PeerItem = Mapping[str, str]
"""The fields of XCOPA."""

CHOICES = ("choice1", "choice2")
FIELDS = ("premise", *CHOICES, "question")


@dataclass(frozen=True)
class PairTexts:
    """What the ``xcopa.json`` of a checkpoint says of how it is asked."""

    prompt: Mapping[str, str]
    temperature: float = 1.0

    @classmethod
    def read(cls, checkpoint: Path) -> Self:
        """Read the file of a checkpoint that ``xcopa export`` wrote."""
        config = json.loads((checkpoint / "xcopa.json").read_bytes())
        return cls(config["prompt"], config.get("temperature", 1.0))

    @property
    def has_choice_first(self) -> bool:
        """Whether some questions put the choice before the premise."""
        return self.prompt.get("order") == "cause-first"

    def pair(self, item: PeerItem, choice: str) -> tuple[str, str]:
        """Return the two texts of a row, as the service reads them."""
        asked = f"{self.prompt[item['question']]} {choice}".lstrip()
        if self.has_choice_first and item["question"] == "cause":
            return asked, item["premise"]
        return item["premise"], asked


def softmax(logits: Sequence[float], temperature: float) -> list[float]:
    """Return probabilities that add up to one."""
    highest = max(logits)
    powers = [math.exp((each - highest) / temperature) for each in logits]
    return [each / sum(powers) for each in powers]
