"""``xcopa predict`` without a service: the model is loaded in this process."""

from __future__ import annotations

from app.settings import Settings
from models.evaluation.ask.local import WINDOW_ITEMS, LocalPredictor, opener
from models.prediction.answers import Pace
from models.prediction.command import FilePrediction, predict_file
from xcopa.predict import run


def run_here(wanted: FilePrediction, settings: Settings, name: str) -> None:
    """Answer a file, and say at the end what came of it.

    Args:
        wanted: the file, and where the answers go.
        settings: say which models there are, and how to compute.
        name: of the variant that answers.
    """

    def load() -> LocalPredictor:
        return opener(settings, lanes=True)(name, settings.variants[name])

    run(lambda: predict_file(wanted, name, load, Pace(WINDOW_ITEMS)))
