"""The words that turn ``cause`` and ``effect`` into text.

They belong to a variant. Training stores them with the weights and serving reads them from there,
so that both use the same words.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from app.errors import StartError

PROMPT_FILE = "xcopa.json"


@dataclass(frozen=True)
class Prompt:
    """The question in words; the choice follows it after a space."""

    cause: str = "What was the cause?"
    effect: str = "What happened as a result?"

    def ask(self, question: str, choice: str) -> str:
        """Return the second text of a pair: the question in words, then the choice."""
        words = self.cause if question == "cause" else self.effect
        return f"{words} {choice}" if words else choice

    def save(self, directory: Path) -> None:
        content = json.dumps({"prompt": asdict(self)}, indent=2) + "\n"
        (directory / PROMPT_FILE).write_bytes(content.encode())

    @classmethod
    def load(cls, directory: Path) -> Prompt:
        """Read the prompt of a checkpoint; a checkpoint without one gets the default words.

        Raises:
            StartError: the file is there and does not hold a prompt.
        """
        path = directory / PROMPT_FILE
        if not path.exists():
            return cls()
        try:
            words = json.loads(path.read_bytes())["prompt"]
            return cls(cause=str(words["cause"]), effect=str(words["effect"]))
        except (ValueError, KeyError, TypeError) as error:
            raise StartError(
                f'{path} must hold {{"prompt": {{"cause": "...", "effect": "..."}}}}: {error!r}'
            ) from error
