"""Settings as every process of the service reads them: errors in one line, and what was ignored.

A command prints the error, and a replica of Ray's raises it to whoever deployed it.
"""

from __future__ import annotations

import logging
import os

from pydantic import ValidationError
from pydantic_settings import SettingsError

from app import environment
from app.errors import StartError
from app.settings import Settings, variables
from app.weights import hub_environment

log = logging.getLogger(__name__)


def read_settings() -> Settings:
    """Return the settings of the environment, which is then fit for the hub's client too.

    Raises:
        StartError: a variable is wrong; the message names it, in one line.
    """
    hub_environment.prepare()
    try:
        return Settings()
    except ValidationError as error:
        raise StartError(_reason(error)) from error
    except SettingsError as error:
        raise StartError(f"{error}; a model is named as in XCOPA_MODELS__DIRECT") from error


def log_remarks(settings: Settings) -> None:
    """Name in the log what the environment has beside the settings, and what may not be meant."""
    remarks = environment.read(os.environ, variables()).remarks
    for remark in (*remarks, *settings.models.remarks):
        log.warning("%s", remark)


def _reason(error: ValidationError) -> str:
    first = error.errors()[0]
    path = environment.NESTED.join(str(part) for part in first["loc"]).upper()
    name = environment.PREFIX + path
    return f"{name}: {first['msg']} (got {first['input']!r})"
