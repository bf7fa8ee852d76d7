"""Why requests had no sound answer: by status and title of the problem, each with an example."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

OK = 200
_MOST_KINDS = 3
_LONGEST = 200
"""Characters of an example."""


@dataclass
class FailureTally:
    """What went wrong, and how often."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    """The first detail of each kind."""

    def note(self, status: int, content: bytes) -> None:
        """Count a response that is not the answer. Nothing that it may hold raises."""
        kind, detail = _told(status, content)
        self._count(kind, detail)

    def note_error(self, error: Exception) -> None:
        """Count a request without a response."""
        self._count("no response", f"{type(error).__name__}: {error}")

    def note_unsent(self) -> None:
        """Count a request that was not sent, because too many were on their way."""
        self._count("not sent: too many wait for an answer", "")

    def _count(self, kind: str, detail: str) -> None:
        self.counts[kind] += 1
        self.examples.setdefault(kind, detail[:_LONGEST])

    def __str__(self) -> str:
        said = []
        for kind, count in self.counts.most_common(_MOST_KINDS):
            example = f" ({self.examples[kind]})" if self.examples[kind] else ""
            said.append(f"{count} x {kind}{example}")
        return "; ".join(said)


def _told(status: int, content: bytes) -> tuple[str, str]:
    """Return what a response says of itself: its kind, and the detail of a problem."""
    if status == OK:
        return "status 200, and not a sound answer", content[:_LONGEST].decode(errors="replace")
    try:
        problem = json.loads(content)
    except (ValueError, RecursionError):
        return f"status {status}", content[:_LONGEST].decode(errors="replace")
    if not isinstance(problem, dict) or "title" not in problem:
        return f"status {status}", content[:_LONGEST].decode(errors="replace")
    return f"status {status}, {problem['title']}", str(problem.get("detail", ""))
