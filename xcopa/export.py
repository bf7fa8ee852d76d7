"""``xcopa export``: a variant as a checkpoint that transformers loads."""

from __future__ import annotations

from pathlib import Path

from app.errors import StartError, wanted_by
from app.process import quiet_transformers
from app.settings import Settings
from app.weights.checkpoint import locate
from app.weights.export import export
from xcopa.start import failing_on


def run(settings: Settings, variant: str, out: Path) -> None:
    """Export a variant; the arguments are those of the command line."""
    sources = settings.models.model_dump()
    with failing_on(StartError):
        if variant not in sources:
            raise StartError(f"there is no variant {variant!r}; name one of {', '.join(sources)}")
        quiet_transformers()
        with wanted_by(f"XCOPA_MODELS__{variant.upper()}"):
            checkpoint = locate(sources[variant], settings.cache_dir)
        export(checkpoint, out)
