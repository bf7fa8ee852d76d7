"""The models as the protocol names them: a name, and the revision as the version."""

from __future__ import annotations

from app.api.problem import HttpError
from app.runtime import Runtime


def revision_of(runtime: Runtime, name: str, version: str | None) -> str:
    """Return the revision of a model that is served.

    Raises:
        HttpError: there is no such model, or it is not of this version: 404.
        UnavailableError: the models are loading.
    """
    if name not in runtime.names:
        known = " and ".join(runtime.names)
        raise _not_found(f"there is no model {name[:40]!r}; there are {known}")
    revision = runtime.served[name].variant.revision
    if version not in (None, revision):
        raise _not_found(f"model {name} has the version {revision}, not {version[:40]!r}")
    return revision


def _not_found(detail: str) -> HttpError:
    return HttpError(404, "Not found", detail)
