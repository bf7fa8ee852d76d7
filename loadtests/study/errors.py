"""Why a study, or a part of it, cannot be carried out."""

from __future__ import annotations


class StudyError(Exception):
    """The message is one line for whoever started it."""
