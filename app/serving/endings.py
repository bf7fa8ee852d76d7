"""Why a call was refused, and where an item was when it ended without an answer."""

from __future__ import annotations

from typing import Any

from app.errors import OverloadedError, RateLimitedError, ServiceError
from app.serving.admission import AdmissionError
from app.serving.work import Ticket


def reason_of(error: ServiceError) -> str:
    """Return why a call was refused, one of the reasons of ``xcopa_refusals_total``."""
    if isinstance(error.__cause__, AdmissionError):
        return error.__cause__.reason
    if isinstance(error, RateLimitedError):
        return "key_limit"
    # What remains of these is raised before there are tokens to admit.
    return "tokenising" if isinstance(error, OverloadedError) else "other"


def stage_of(ticket: Ticket[Any] | None) -> str:
    """Return the stage in which an item is; without a ticket it has not been tokenised."""
    if ticket is None:
        return "tokenise"
    return "queue" if ticket.sealed_at is None else "inference"
