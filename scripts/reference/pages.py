"""Which pages are generated, and what generates each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scripts.reference.commands import commands
from scripts.reference.metrics import metrics
from scripts.reference.settings import settings

ROOT = Path(__file__).resolve().parents[2]

PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/metrics.md": metrics,
    "docs/reference/cli.md": commands,
    "docs/reference/settings.md": settings,
}
