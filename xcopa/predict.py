"""``xcopa predict``: the rows of a file, answered by a model here or by a running service."""

from __future__ import annotations

from pathlib import Path

import typer

from app.errors import StartError
from app.settings import VARIANTS, Settings
from models.evaluation.ask.local import WINDOW_ITEMS, LocalPredictor, opener
from models.evaluation.ask.predictor import EvaluationError
from models.evaluation.ask.remote import CALL_ITEMS, RemotePredictor
from models.evaluation.ask.service import Service
from models.prediction.answers import Pace
from models.prediction.command import FilePrediction, predict_file
from models.prediction.tally import Tally
from models.tasks.example import DataError
from xcopa.start import failing_on, failure

CALLS_IN_FLIGHT = 4


def run(
    settings: Settings, file: Path, model: str | None, against: str | None, out: Path | None
) -> None:
    """Predict a file, and say at the end what came of it; the arguments are the command's."""
    wanted = FilePrediction(file, out)
    with failing_on(DataError, EvaluationError, StartError):
        tally = (
            _here(settings, wanted, model)
            if against is None
            else _by_service(against, wanted, model)
        )
    _say(tally)


def _here(settings: Settings, wanted: FilePrediction, model: str | None) -> Tally:
    name = model or settings.default_model
    if name not in VARIANTS:
        raise failure(f"--model must be {' or '.join(VARIANTS)}, not {name}")

    def load() -> LocalPredictor:
        return opener(settings, lanes=True)(name, settings.models.model_dump()[name])

    return predict_file(wanted, name, load, Pace(WINDOW_ITEMS))


def _by_service(url: str, wanted: FilePrediction, model: str | None) -> Tally:
    wanted.check()
    with Service(url) as service:
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
            return RemotePredictor(service, each.name, each.revision)
    names = ", ".join(each.name for each in served)
    raise EvaluationError(f"{service.url} serves {names}, and not {model}; name one with --model")


def _say(tally: Tally) -> None:
    """Tell the counts on standard error, and fail if a row did."""
    typer.echo(f"{tally.rows - tally.failed:,} of {tally.rows:,} rows answered", err=True)
    if tally.accuracy is not None:
        typer.echo(tally.accuracy, err=True)
    if tally.failed:
        typer.echo(f"{tally.failed:,} rows failed; the error is in their output line", err=True)
        raise typer.Exit(1)
