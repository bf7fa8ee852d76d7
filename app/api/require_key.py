"""Lets in who brings a valid API key, before anything of a request's body is read.

What needs no key is listed; everything else needs one, also what is added later.
"""

from __future__ import annotations

import logging

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.caller import keys_sent, note_holder
from app.api.probe_paths import is_probe, path_of
from app.api.problem import problem_response
from app.api.public_paths import is_public
from app.errors import NoValidKeyError, RevokedKeyError, ServiceError
from app.keys.in_force import KeysInForce
from app.keys.ring import KeyHolder
from app.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

_HOW = "send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'"


def needs_key(scope: Scope) -> bool:
    """Return whether a request must bring a key; its path may begin with the service's prefix."""
    return not is_probe(scope) and not is_public(path_of(scope))


class RequireKeyMiddleware:
    """Refuses whoever brings no valid key, with 401; one that was revoked, with 403."""

    def __init__(self, app: ASGIApp, keys: KeysInForce, metrics: Metrics) -> None:
        self.app = app
        self.keys = keys
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not needs_key(scope):
            await self.app(scope, receive, send)
            return
        request_id = str(scope.get("state", {}).get("request_id", ""))
        try:
            holder = self._holder(scope)
        except ServiceError as error:
            log.debug("request %s: %s", request_id, error.detail)
            await problem_response(error, scope["path"], request_id)(scope, receive, send)
            return
        self.metrics.key_admitted(holder.name)
        log.debug("request %s: by the key %s", request_id, holder.name)
        note_holder(scope, holder)
        await self.app(scope, receive, send)

    def _holder(self, scope: Scope) -> KeyHolder:
        """Return who holds the key of a request.

        Raises:
            NoValidKeyError: it brings none, one that nobody holds, or several that differ.
            RevokedKeyError: it brings one that was revoked.
        """
        sent = keys_sent(scope)
        if not sent:
            detail = f"an API key is needed: {_HOW}"
            raise self._refused("missing", NoValidKeyError(detail))
        if len(sent) > 1:
            detail = "the request has API keys that differ; send one"
            raise self._refused("several", NoValidKeyError(detail, error="invalid_request"))
        holder = self.keys.find(sent.pop())
        if holder is None:
            detail = "the API key is not known; check it for a character that was lost or added"
            raise self._refused("unknown", NoValidKeyError(detail, error="invalid_token"))
        if holder.key.revoked:
            detail = f"the API key {holder.name} was revoked; ask for a new one"
            raise self._refused("revoked", RevokedKeyError(detail))
        return holder

    def _refused(self, reason: str, error: ServiceError) -> ServiceError:
        self.metrics.key_refused(reason)
        return error
