"""A Prometheus that scrapes every replica and HAProxy while the fleet runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from loadtests.bench.servers import free_port
from loadtests.fleet.replica import FleetError

SCRAPE_S = 1
START_LIMIT_S = 60.0
_TIMEOUT_S = 30


def scrape_config(replicas: Sequence[int], proxy: int) -> dict[str, Any]:
    """Return the configuration.

    Args:
        replicas: the ports at which their metrics are.
        proxy: that of HAProxy's.
    """
    every = f"{SCRAPE_S}s"
    services = [f"127.0.0.1:{port}" for port in replicas]
    return {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "scrape_configs": [
            {"job_name": "xcopa", "static_configs": [{"targets": services}]},
            {"job_name": "haproxy", "static_configs": [{"targets": [f"127.0.0.1:{proxy}"]}]},
        ],
    }


@dataclass(frozen=True)
class FleetWatch:
    """Prometheus that runs."""

    url: str

    def scraped(self, at: float) -> int:
        """Return how many targets were scraped with success at a time (of ``time.time``)."""
        found = self._ask("query", query="sum(up)", time=at)
        return int(float(found[0]["value"][1])) if found else 0

    def least_ready(self, since: float, until: float) -> int:
        """Return the fewest replicas that were ready at once, between two times.

        A replica that cannot be scraped is not ready.
        """
        query = 'sum(xcopa_ready * on (instance) up{job="xcopa"}) or vector(0)'
        found = self._ask("query_range", query=query, start=since, end=until, step=SCRAPE_S)
        return min(int(float(value)) for series in found for _, value in series["values"])

    def _ask(self, path: str, **parameters: object) -> Any:
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - http, our own
            return json.load(answer)["data"]["result"]


@contextmanager
def running_watch(replicas: Sequence[int], proxy: int, folder: Path) -> Iterator[FleetWatch]:
    """Yield a Prometheus whose targets are all scraped.

    Raises:
        FleetError: it is not installed, does not start, or cannot scrape one.
    """
    program = shutil.which("prometheus")
    if program is None:
        raise FleetError("prometheus is not installed: apt-get install prometheus")
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(scrape_config(replicas, proxy)), encoding="utf-8")
    own = f"127.0.0.1:{free_port()}"
    arguments = [
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={own}",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - what the user has installed
            [program, *arguments], stdout=log, stderr=log
        )
    try:
        watch = FleetWatch(f"http://{own}")
        _wait(watch, process, len(replicas) + 1)
        yield watch
    finally:
        process.terminate()
        process.wait()


def _wait(watch: FleetWatch, process: subprocess.Popen[bytes], targets: int) -> None:
    give_up = time.monotonic() + START_LIMIT_S
    while _scraped_now(watch) < targets:
        if process.poll() is not None or time.monotonic() > give_up:
            raise FleetError("Prometheus does not scrape all of the fleet")
        time.sleep(0.2)


def _scraped_now(watch: FleetWatch) -> int:
    try:
        return watch.scraped(time.time())
    except OSError:  # it does not listen yet
        return 0
