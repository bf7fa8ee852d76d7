"""``xcopa export``: a variant as a checkpoint that transformers loads."""

from __future__ import annotations

from pathlib import Path

from app.errors import StartError
from app.process import quiet_transformers
from app.settings import Settings
from app.weights.export import export
from app.weights.variant import locate_variant
from xcopa.start import failing_on


def run(settings: Settings, variant: str, out: Path) -> None:
    """Export a variant; the arguments are those of the command line."""
    wanted = settings.variants
    with failing_on(StartError):
        if variant not in wanted:
            raise StartError(f"there is no variant {variant!r}; name one of {', '.join(wanted)}")
        quiet_transformers()
        export(locate_variant(variant, wanted[variant], settings.cache_dir), out)
