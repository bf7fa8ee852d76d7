"""Passes on to the build what pip on this machine knows of package indexes.

An index or a folder of wheels may lie on this machine's disk, where the build cannot see it. It is
served over HTTP on the loopback address for as long as the build runs: a mounted folder would
leave its name in the image.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

INDEX_OPTIONS = (
    *("index-url", "extra-index-url", "find-links", "no-index", "trusted-host"),
    *("proxy", "timeout", "default-timeout", "retries"),
)
"""Options of pip that say where packages come from; all others are the user's own affair."""

CERT_IN_BUILD = "/etc/pip.cert"


@dataclass(frozen=True)
class PipAccess:
    """What the build is given as secrets."""

    config: Path
    """A pip.conf."""
    cert: Path | None
    """The bundle of certificates that the index is checked with, if it is not the usual one."""


def pip_options(listing: str) -> dict[str, str]:
    """Return pip's options by name, from what ``pip config list`` prints.

    Environment variables win over files, as they do in pip.
    """
    options: dict[str, str] = {}
    # Sorted: ":env:" stands before "global", and the first one stays.
    for line in sorted(listing.splitlines()):
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in {":env:", "global"}:
            options.setdefault(name, str(ast.literal_eval(value)))
    return options


def local_path(word: str) -> Path | None:
    """Return the path that a value of pip's means, or None if it is elsewhere."""
    if word.startswith("file:"):
        return Path(unquote(urlsplit(word).path))
    return Path(word) if word.startswith("/") and Path(word).exists() else None


def on_disk(word: str) -> Path | None:
    """Return the folder or file of this machine that a value of pip's names, if it does."""
    path = Path(unquote(urlsplit(word).path) if word.startswith("file:") else word)
    return path if path.is_absolute() and path.exists() else None


def link(folder: Path, shelf: Path) -> str:
    """Put a folder where it is served, and return its name there."""
    name = str(len(list(shelf.iterdir())))
    (shelf / name).symlink_to(folder)
    return name


def address(option: str, word: str, shelf: Path, server: str) -> str:
    """Return a word of an option, as an address of the server if it named this machine's disk."""
    folder = on_disk(word)
    if folder is None:
        return word
    if option == "find-links":
        return f"{server}/{link(folder, shelf)}/"
    # An index links to files beside it: ../../files.
    return f"{server}/{link(folder.parent, shelf)}/{folder.name}"


def config(options: Mapping[str, str], shelf: Path, server: str, cert: Path | None) -> str:
    """Return the text of a pip.conf for the build."""
    lines = ["[global]"]
    for option in INDEX_OPTIONS:
        if option in options:
            words = [address(option, word, shelf, server) for word in options[option].split()]
            lines.append(f"{option} = {' '.join(words)}")
    if cert is not None:
        lines.append(f"cert = {CERT_IN_BUILD}")
    return "\n".join(lines) + "\n"


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        """Write no line for each request."""


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder on the loopback address, and yield its URL."""
    handler = functools.partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def pip_access(options: Mapping[str, str]) -> Iterator[PipAccess]:
    """Yield the secrets of the build; what they name is served until the block ends."""
    cert = on_disk(options["cert"]) if "cert" in options else None
    with tempfile.TemporaryDirectory() as folder:
        shelf = Path(folder) / "served"
        shelf.mkdir()
        with serving(shelf) as server:
            file = Path(folder) / "pip.conf"
            file.write_text(config(options, shelf, server, cert), encoding="utf-8")
            yield PipAccess(file, cert)
