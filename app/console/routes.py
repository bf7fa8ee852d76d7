"""``GET /`` and ``GET /console/...``: the page and its files.

The page is public, also where calls need a key: it holds nothing of the service's, and asks the
visitor for the key. Decision: docs/decisions/0042-console.md
"""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from app.api.public_paths import CONSOLE, CONSOLE_FILES
from app.console.files import PAGE, StaticFile, read_files

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # No script may hand a text to what would read it as HTML or run it.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""The page loads its own files and calls its own service, and does nothing else."""

_HEADERS = {
    # Kept by the browser, and asked for at each visit: page and scripts are of one version.
    "Cache-Control": "no-cache",
    "Content-Security-Policy": POLICY,
    "Vary": "Accept-Encoding",
}


def make_router() -> APIRouter:
    """Return the routes of the page, with its files in memory."""
    files = read_files()
    router = APIRouter(include_in_schema=False)

    @router.get(CONSOLE)
    async def page(request: Request) -> Response:
        if _lacks_slash(request):
            # The addresses in the page are relative, and the setting's prefix is not the caller's.
            location = f"{request.scope['root_path']}/"
            return Response(None, HTTPStatus.TEMPORARY_REDIRECT, {"Location": location})
        return _answer(files[PAGE], request)

    @router.get(CONSOLE_FILES + "{name:path}")
    async def file(name: str, request: Request) -> Response:
        if name not in files or name == PAGE:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return _answer(files[name], request)

    return router


def _lacks_slash(request: Request) -> bool:
    return not (request.scope.get("raw_path") or b"/").endswith(b"/")


def _answer(found: StaticFile, request: Request) -> Response:
    headers = {**_HEADERS, "ETag": found.etag}
    if found.etag in _listed(request, "if-none-match"):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    content = found.content
    if "gzip" in _listed(request, "accept-encoding"):
        content, headers["Content-Encoding"] = found.compressed, "gzip"
    return Response(content, media_type=found.media_type, headers=headers)


def _listed(request: Request, header: str) -> list[str]:
    # An encoding with a weight is not taken: browsers send none.
    return [entry.strip() for entry in request.headers.get(header, "").split(",")]
