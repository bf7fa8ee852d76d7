"""What timed code reads the time from, so that a test can hold it still."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds on a clock that never goes back."""
