"""``xcopa predict``: the rows of a file, answered by a running service.

A model that is loaded here answers in ``predict_here``; this file needs no torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import typer

from app.errors import StartError
from app.keys.own_key import own_key
from app.settings import Settings
from models.evaluation.ask.call_size import CALL_ITEMS
from models.evaluation.ask.predictor import EvaluationError
from models.evaluation.ask.remote import RemotePredictor
from models.evaluation.ask.service import Service
from models.prediction.answers import Pace
from models.prediction.command import FilePrediction, predict_file
from models.prediction.tally import Tally
from models.tasks.example import DataError
from xcopa.start import failing_on, failure

CALLS_IN_FLIGHT = 4


def wanted_prediction(file: Path, out: Path | None) -> FilePrediction:
    """Return what is to be done, or exit with a line that says why it cannot be."""
    wanted = FilePrediction(file, out)
    with failing_on(DataError):
        wanted.check()
    return wanted


def model_here(settings: Settings, model: str | None) -> str:
    """Return the variant that is named, else the default, or exit with a line."""
    name = model or settings.default_model
    if name not in settings.variants:
        raise failure(f"--model must be {' or '.join(settings.variants)}, not {name}")
    return name


def run_by_service(
    wanted: FilePrediction, url: str, model: str | None, key_file: Path | None
) -> None:
    """Have a running service answer a file, and say at the end what came of it.

    Args:
        wanted: the file, and where the answers go.
        url: of the service.
        model: a name; None takes the service's default.
        key_file: holds the API key to send; None takes the variable's.
    """
    with failing_on(StartError):
        key = own_key(key_file, os.environ)
    run(lambda: _by_service(wanted, url, model, key))


def run(predict: Callable[[], Tally]) -> None:
    """Predict, tell the counts on standard error, and exit with 1 if a row failed."""
    with failing_on(DataError, EvaluationError, StartError):
        tally = predict()
    typer.echo(f"{tally.rows - tally.failed:,} of {tally.rows:,} rows answered", err=True)
    if tally.accuracy is not None:
        typer.echo(tally.accuracy, err=True)
    if tally.failed:
        typer.echo(f"{tally.failed:,} rows failed; the error is in their output line", err=True)
        raise typer.Exit(1)


def _by_service(wanted: FilePrediction, url: str, model: str | None, key: str | None) -> Tally:
    with Service(url, key=key) as service:
        predictor = _remote(service, model)
        pace = Pace(CALL_ITEMS, CALLS_IN_FLIGHT)
        return predict_file(wanted, predictor.model, lambda: predictor, pace)


def _remote(service: Service, model: str | None) -> RemotePredictor:
    """Return the model that is named, or the service's default.

    Raises:
        EvaluationError: it does not serve that model.
    """
    served = service.models()
    for each in served:
        if each.name == model or (model is None and each.default):
            return RemotePredictor(service, each)
    names = ", ".join(each.name for each in served)
    raise EvaluationError(f"{service.url} serves {names}, and not {model}; name one with --model")
