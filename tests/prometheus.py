"""A real Prometheus that a test starts, and what it answers."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.conftest import ROOT

CONFIG = ROOT / "observability/prometheus"
START_LIMIT_S = 60.0
TARGET_LABELS = ("127.0.0.1", "localhost")
"""Two names of this machine: one service is scraped as two instances."""

Answer = list[dict[str, Any]]


@dataclass(frozen=True)
class Prometheus:
    """One that runs."""

    url: str

    def query(self, expression: str) -> Answer:
        """Return the series of an expression, as of now."""
        return self._data("query", query=expression)["result"]  # type: ignore[no-any-return]

    def query_range(self, expression: str, start: float, end: float, step: float) -> Answer:
        """Return the series of an expression over some time."""
        data = self._data("query_range", query=expression, start=start, end=end, step=step)
        return data["result"]  # type: ignore[no-any-return]

    def exemplars(self, selector: str, start: float, end: float) -> list[dict[str, Any]]:
        """Return the labels of the exemplars of a series."""
        data = self._data("query_exemplars", query=selector, start=start, end=end)
        return [exemplar["labels"] for series in data for exemplar in series["exemplars"]]

    def rules(self) -> list[dict[str, Any]]:
        """Return every rule with its health."""
        groups = self._data("rules")["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def wait_for(self, expression: str, limit: float = START_LIMIT_S) -> None:
        """Wait until an expression has a value."""
        wait_until(lambda: bool(self.query(expression)), f"no value: {expression}", limit)

    def _data(self, path: str, **parameters: object) -> Any:
        fields = {name: str(value) for name, value in parameters.items()}
        if path == "rules":
            response = httpx.get(f"{self.url}/api/v1/{path}", timeout=30)
        else:
            response = httpx.post(f"{self.url}/api/v1/{path}", data=fields, timeout=30)
        content = response.json()
        assert content["status"] == "success", f"{fields}: {content}"
        return content["data"]


def wait_until(condition: Callable[[], bool], failure: str, limit: float = START_LIMIT_S) -> None:
    give_up = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < give_up, failure
        time.sleep(0.1)


def is_installed() -> bool:
    return shutil.which("prometheus") is not None


@contextmanager
def running(
    port: int, directory: Path, scrape_seconds: int = 1, names: Sequence[str] = TARGET_LABELS
) -> Iterator[Prometheus]:
    """Yield a Prometheus with our configuration that scrapes a port of this machine.

    Args:
        port: where metrics are.
        directory: an empty one, for its data.
        scrape_seconds: between scrapes, and between evaluations of rules.
        names: of the machine; each is an instance.
    """
    config = yaml.safe_load((CONFIG / "prometheus.yml").read_text(encoding="utf-8"))
    every = f"{scrape_seconds}s"
    config["global"] = {"scrape_interval": every, "evaluation_interval": every}
    config["rule_files"] = [str(CONFIG / name) for name in config["rule_files"]]
    [job] = config["scrape_configs"]
    job["static_configs"] = [{"targets": [f"{name}:{port}" for name in names]}]
    file = directory / "prometheus.yml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    own = _free_port()
    with (directory / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={file}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{own}",
                "--enable-feature=exemplar-storage",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        made = Prometheus(f"http://127.0.0.1:{own}")
        wait_until(lambda: _is_ready(made, process), f"no Prometheus: {directory / 'log'}")
        yield made
    finally:
        process.terminate()
        process.wait(30)


def _is_ready(made: Prometheus, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "Prometheus has ended"
    try:
        return httpx.get(f"{made.url}/-/ready", timeout=5).status_code == 200
    except (httpx.TransportError, json.JSONDecodeError):
        return False


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
