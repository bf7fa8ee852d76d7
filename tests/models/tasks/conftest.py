"""The published files, each read once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from models.tasks.example import Examples
from models.tasks.registry import find

Load = Callable[[str, str], Examples]


@pytest.fixture(scope="session")
def real(data: Path) -> Load:
    """Load a split of a task from the directory of real data."""

    @cache
    def load(name: str, split: str) -> Examples:
        return find(name).load(data, split)

    return load
