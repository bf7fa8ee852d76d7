"""A variant as a checkpoint that transformers loads, for the servers that know nothing of ours."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.process import quiet_transformers
from app.settings import Settings
from app.weights.export import export
from app.weights.variant import locate_variant


@contextmanager
def exported(variant: str) -> Iterator[Path]:
    """Yield the directory of what the service serves under that name; it is gone afterwards.

    Raises:
        StartError: the variant cannot be loaded, or there is no room for the copy.
    """
    settings = Settings()
    quiet_transformers()
    with tempfile.TemporaryDirectory(prefix="xcopa-peers-") as directory:
        out = Path(directory) / variant
        export(locate_variant(variant, settings.variants[variant], settings.cache_dir), out)
        yield out
