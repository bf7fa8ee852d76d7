"""The errors of training; the message of each is one line for the person who started it."""

from __future__ import annotations


class TrainingError(Exception):
    """Training cannot begin, or cannot go on."""


class NotFiniteError(TrainingError):
    """A loss, a gradient or a weight is NaN or infinite, so nothing that follows means anything."""
