"""Marks what needs Ray, which an extra brings and the tools for development do not."""

from __future__ import annotations

import importlib.util

import pytest

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None,
    reason="not run: pip install 'xcopa-service[ray]' brings Ray",
)
