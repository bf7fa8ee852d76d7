"""``xcopa evaluate``: measure all models in this process, or those of a running service."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from app.errors import StartError
from app.keys.own_key import own_key
from app.settings import Settings
from models.evaluation.ask.local import opener
from models.evaluation.ask.predictor import EvaluationError
from models.evaluation.command import Options, evaluate_here, evaluate_service
from models.tasks.example import DataError
from xcopa.start import failing_on


def run(
    settings: Settings,
    data: Path | None,
    split: str,
    questions: str,
    against: str | None,
    seeds: Sequence[str],
    out: Path | None,
    items: Path | None,
    key_file: Path | None,
) -> None:
    """Evaluate; the arguments are those of the command line (``Options.parse`` has them)."""
    console = Console()
    with failing_on(DataError, EvaluationError, StartError):
        options = Options.parse(data, split, questions, seeds, out, items)
        if against is not None:
            evaluate_service(options, against, console, own_key(key_file, os.environ))
        else:
            evaluate_here(options, settings.variants, opener(settings), console)
