"""What every command does before its own work: settings, logging, and errors in one line."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from app import read_settings as reading
from app.errors import StartError
from app.process import drop_unknown_propagators
from app.settings import Settings
from app.telemetry import logs

_NOISY_LOGGERS = ("httpx", "huggingface_hub", "filelock", "uvicorn.error")


def read_settings(*, service: bool = False) -> Settings:
    """Read the settings and set up the log, or exit with one line that names the variable.

    What the environment has beside them is named in the log.

    Args:
        service: whether the process is the service and no other command.
    """
    with failing_on(StartError):
        settings = reading.read_settings()
    form = _log_form(settings, service)
    logs.configure(settings.log_level, form, texts=settings.log_texts, service=service)
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    reading.log_remarks(settings)
    drop_unknown_propagators()
    return settings


def _log_form(settings: Settings, service: bool) -> logs.Form:
    """Return how lines look: JSON where a collector reads, a form for people where people do."""
    if settings.log_format != "auto":
        return settings.log_format
    read_by_people = not service or (sys.stderr is not None and sys.stderr.isatty())
    return "console" if read_by_people else "json"


def failure(message: str) -> typer.Exit:
    """Print why the command ends, and return what ends it with status 1."""
    typer.echo(f"xcopa cannot go on: {message}", err=True)
    return typer.Exit(1)


@contextmanager
def failing_on(*errors: type[Exception]) -> Iterator[None]:
    """Turn errors whose message is meant for the user into that message and status 1."""
    try:
        yield
    except errors as error:
        raise failure(str(error)) from error


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Say which extra of the package brings what cannot be imported.

    Pictures go to files alone. A notebook names a backend of its own for its shells as well, which
    need not be installed where this runs, and matplotlib would not even be imported then.
    """
    os.environ["MPLBACKEND"] = "agg"
    try:
        yield
    except ModuleNotFoundError as error:
        raise failure(
            f"{error.name} is not installed; pip install 'xcopa-service[{extra}]' brings it"
        ) from error
