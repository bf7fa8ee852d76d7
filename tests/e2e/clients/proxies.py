"""nginx and HAProxy with the configurations of the how-to page, on free ports."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.conftest import ROOT
from tests.e2e.clients.programs import LIMIT_S, needed

PAGE = ROOT / "docs" / "how-to" / "behind-a-proxy.md"
NAMES = ("nginx", "haproxy")
ATTEMPTS = 3


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def configuration(name: str, port: int, services: Sequence[str]) -> str:
    """Return the page's configuration with these addresses in the place of its own."""
    [text] = re.findall(rf"```{name}\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    addresses = [f"127.0.0.1:{port}", *(urlsplit(url).netloc for url in services)]
    shown = [f"127.0.0.1:{8000 + number}" for number in range(len(addresses))]
    replaced = dict(zip(shown, addresses, strict=True))
    return re.sub(r"127\.0\.0\.1:\d+", lambda match: replaced[match[0]], text)


def _command(name: str, text: str, directory: Path) -> list[str]:
    path = directory / f"{name}.conf"
    if name == "haproxy":
        path.write_text(text, encoding="utf-8")
        return [needed(name), "-f", str(path)]
    temporary = "\n".join(
        f"{kind}_temp_path {directory};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path.write_text(
        f"daemon off; master_process off; pid {directory}/nginx.pid; error_log stderr;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}\n{text}\n}}\n",
        encoding="utf-8",
    )
    return [needed(name), "-p", str(directory), "-e", "stderr", "-c", str(path)]


@contextmanager
def proxy(name: str, services: Sequence[str], directory: Path) -> Iterator[str]:
    """Yield the address of a proxy in front of services that are ready."""
    for _ in range(ATTEMPTS):  # a port that was free may have been taken meanwhile
        port = free_port()
        command = _command(name, configuration(name, port, services), directory)
        log = directory / f"{name}.log"
        with log.open("w") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
            url = f"http://127.0.0.1:{port}"
            if not _answers(url, process):
                continue
            try:
                yield url
            finally:
                process.terminate()
                process.wait(LIMIT_S)
            return
    raise AssertionError(f"{name} does not start:\n{log.read_text(encoding='utf-8')}")


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    give_up = time.monotonic() + LIMIT_S
    while process.poll() is None and time.monotonic() < give_up:
        try:
            if httpx.get(f"{url}/readyz").status_code == httpx.codes.OK:
                return True
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    return False
