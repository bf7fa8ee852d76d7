"""The tree of errors. Each class names its HTTP outcome, so that any layer can raise one.

The outcome is an RFC 9457 problem: ``status``, ``title`` and ``type`` belong to the class,
``detail`` and the list of fields to the occurrence.

    StartError                 the service cannot start (no HTTP outcome)
    ServiceError
      BadBodyError             400  the body is not what its headers say
      NoValidKeyError          401  an API key is needed, and none that is valid was sent
      RevokedKeyError          403  the API key was revoked
      NotAdminError            403  the API key may not change which models are served
      NoSuchModelError         404  no model of that name is served
      ChangeRefusedError       409  the models cannot be changed so, or not now
      InvalidRequestError      422  a field is wrong
      LoadFailedError          422  a model cannot be loaded
        TextTooLongError       422  a text exceeds what the model reads
      PayloadTooLargeError     413  more than one call may ask for
      UnsupportedMediaError    415  the body is not declared as JSON
        UnsupportedEncodingError 415  the body is compressed in a way that is not read
      OverloadedError          429  the queue is full; retry later
      RateLimitedError         429  the API key has used up its tokens; retry later
      UnavailableError         503  starting or shutting down; retry later
      DeadlineExceededError    504  no answer within the deadline
      ClientGoneError          499  the caller left; nobody reads the answer
      InferenceError           500  the model failed on this item
      NoRoomError              507  memory would not suffice
      CallFailedError          500  or its first item's: nothing of a call could be answered
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

MOST_FIELD_ERRORS = 20
"""How many fields a problem names; a body of nothing but errors must not be answered with more."""


class StartError(Exception):
    """The service cannot start; the message is one line for the person who started it."""


@contextmanager
def wanted_by(name: str) -> Iterator[None]:
    """Add the name of the setting in front of every ``StartError`` that is raised inside."""
    try:
        yield
    except StartError as error:
        raise StartError(f"{name}: {error}") from error


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field of the input, and how to mend it."""

    field: str
    message: str

    def under(self, prefix: str) -> FieldError:
        """Return the same error for a field that is nested in another."""
        return FieldError(f"{prefix}.{self.field}", self.message)


class ServiceError(Exception):
    """An error with an HTTP outcome."""

    status = 500
    title = "Internal error"
    slug = "internal"

    def __init__(self, detail: str, *, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)

    @property
    def headers(self) -> dict[str, str]:
        """Headers that go with the problem, beyond its media type."""
        return {}


class BadBodyError(ServiceError):
    """The body is not what its headers say: damaged, or cut short."""

    status = 400
    title = "Bad request"
    slug = "bad-request"


class NoValidKeyError(ServiceError):
    """An API key is needed, and none was sent, or one that nobody holds, or several."""

    status = 401
    title = "Unauthorized"
    slug = "unauthorized"

    def __init__(self, detail: str, *, error: str = "") -> None:
        super().__init__(detail)
        self.error = error
        """The error as RFC 6750, section 3.1 names it; empty where no key was sent."""

    @property
    def headers(self) -> dict[str, str]:
        named = f', error="{self.error}"' if self.error else ""
        return {"WWW-Authenticate": f'Bearer realm="xcopa"{named}'}


class RevokedKeyError(ServiceError):
    """The API key is known, and was revoked."""

    status = 403
    title = "Key revoked"
    slug = "key-revoked"


class NotAdminError(ServiceError):
    """The API key may ask the models, and may not change which there are."""

    status = 403
    title = "Admin key needed"
    slug = "admin-key-needed"


class NoSuchModelError(ServiceError):
    """No model of that name is served."""

    status = 404
    title = "No such model"
    slug = "no-such-model"


class ChangeRefusedError(ServiceError):
    """The models cannot be changed in this way, or not while they are changed already."""

    status = 409
    title = "Change refused"
    slug = "change-refused"


class LoadFailedError(ServiceError):
    """A model that was to be served cannot be loaded; the others are served as before."""

    status = 422
    title = "Load failed"
    slug = "load-failed"


class NoRoomError(ServiceError):
    """Memory would not suffice for a model; nothing of it was loaded."""

    status = 507
    title = "Insufficient storage"
    slug = "no-room"


class InvalidRequestError(ServiceError):
    """A field is missing, unknown, of the wrong type, blank, or not one of its values."""

    status = 422
    title = "Invalid request"
    slug = "invalid-request"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        named = errors[:MOST_FIELD_ERRORS]
        detail = "; ".join(f"{error.field}: {error.message}" for error in named)
        if more := len(errors) - len(named):
            detail += f"; and {more} more"
        super().__init__(detail, errors=named)


class TextTooLongError(InvalidRequestError):
    """A premise and a choice together exceed the tokens that the model reads."""

    title = "Text too long"
    slug = "text-too-long"


class PayloadTooLargeError(ServiceError):
    """The body, or the work a call asks for, exceeds what one call may have."""

    status = 413
    title = "Payload too large"
    slug = "payload-too-large"


class UnsupportedMediaError(ServiceError):
    """The body is not declared as JSON."""

    status = 415
    title = "Unsupported media type"
    slug = "unsupported-media-type"


class UnsupportedEncodingError(UnsupportedMediaError):
    """The body is compressed in a way that is not read; ``accepted`` names those that are."""

    def __init__(self, detail: str, *, accepted: str) -> None:
        super().__init__(detail)
        self.accepted = accepted

    @property
    def headers(self) -> dict[str, str]:
        return {"Accept-Encoding": self.accepted}


class RetryableError(ServiceError):
    """The same call may succeed later; ``retry_after`` says when, in seconds."""

    def __init__(self, detail: str, *, retry_after: float) -> None:
        super().__init__(detail)
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(max(1, math.ceil(self.retry_after)))}


class OverloadedError(RetryableError):
    """The queue has no room for the call."""

    status = 429
    title = "Too many requests"
    slug = "overloaded"


class RateLimitedError(RetryableError):
    """The API key has used up its tokens a second."""

    status = 429
    title = "Rate limit exceeded"
    slug = "rate-limited"


class UnavailableError(RetryableError):
    """The service is starting, or shutting down."""

    status = 503
    title = "Service unavailable"
    slug = "unavailable"


class DeadlineExceededError(ServiceError):
    """No answer came within the deadline of the call."""

    status = 504
    title = "Deadline exceeded"
    slug = "deadline-exceeded"


class ClientGoneError(ServiceError):
    """The caller closed the connection before the answer."""

    status = 499
    title = "Client closed request"
    slug = "client-gone"


class InferenceError(ServiceError):
    """The model failed on this item; its neighbours in the batch are answered."""

    title = "Inference failed"
    slug = "inference-failed"


class CallFailedError(ServiceError):
    """No item of a call could be answered: the outcome of the first, with the errors of all."""

    def __init__(self, first: ServiceError, errors: Sequence[FieldError]) -> None:
        super().__init__(first.detail, errors=errors)
        self.status, self.title, self.slug = first.status, first.title, first.slug
        self._headers = first.headers

    @property
    def headers(self) -> dict[str, str]:
        return self._headers
