"""How many items a call has: fewer where they are too many for the service, and more again."""

from __future__ import annotations

CALL_ITEMS = 64
"""Items in a call, at first, and at most."""

GOOD_CALLS = 4
"""After how many full calls a size that was once too much is tried again. Each time in vain, it
takes twice as many, so that a limit which stays costs few calls."""

MOST_GOOD_CALLS = 256


class CallSize:
    """The most items that a call of one model has. Several threads may share it."""

    def __init__(self) -> None:
        self.most = CALL_ITEMS
        self._good = 0
        self._wanted = GOOD_CALLS
        self._grown = False
        """Whether the last change was an attempt with more items."""

    def answered(self, items: int) -> None:
        """A call of so many items was answered."""
        if self.most == CALL_ITEMS or items < self.most:
            return
        self._good += 1
        if self._good >= self._wanted:
            self._good = 0
            self._grown = True
            self.most = min(2 * self.most, CALL_ITEMS)

    def too_large(self, items: int) -> None:
        """A call of so many items was too much for the service."""
        smaller = max(1, items // 2)
        if smaller >= self.most:
            return
        if self._grown:
            self._wanted = min(2 * self._wanted, MOST_GOOD_CALLS)
        self._grown = False
        self._good = 0
        self.most = smaller
