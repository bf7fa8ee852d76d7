"""What the service adds to the engine: processor time at saturation, and a lone caller's wait."""

from __future__ import annotations

import itertools
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from geventhttpclient import HTTPClient
from rich.console import Console
from rich.progress import track

from app.settings import Settings
from app.weights.variant import Variant, load_models
from loadtests.bench.figures import Figure, cpu_seconds, seconds
from loadtests.bench.items import body, mixed_items, rows_of
from loadtests.bench.servers import JSON, SERVICE, Server, closed_loop, started, uvicorn

ROUNDS, ROUND_S, CALLERS = 5, 10.0, 32
LONE_REQUESTS = 40
MODEL = "stilts"

_WRK = """wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.body = [==[{}]==]
"""


def measure(console: Console) -> list[Figure]:
    """Return processor time and lone latency, each over the engine's own."""
    variant = load_models(Settings())[MODEL]
    variant.engine.warm_up()
    with started(SERVICE) as server:
        closed_loop(server, _bodies(), CALLERS, 5)
        return [_processor_time(server, variant, console), _lone(server, variant, console)]


def _bodies() -> list[bytes]:
    return [body(item, model=MODEL) for item in mixed_items(1024)]


def _processor_time(server: Server, variant: Variant, console: Console) -> Figure:
    items, bodies = mixed_items(1024), _bodies()
    rows = itertools.cycle(rows_of(variant.tokenizer, items))
    ratios, rates, sizes = [], [], []
    for _ in track(range(ROUNDS), description="processor time", console=console):
        before, cpu = server.metrics(), server.cpu_seconds
        load = closed_loop(server, bodies, CALLERS, ROUND_S)
        spent, after = server.cpu_seconds - cpu, server.metrics()
        batches = after["xcopa_batch_rows_count", MODEL] - before["xcopa_batch_rows_count", MODEL]
        size = max(1, round(len(load.latencies) / batches))
        alone = [list(itertools.islice(rows, size)) for _ in range(max(1, 300 // size))]
        engine = cpu_seconds(_engine_on(variant, alone))
        per_item = engine / (size * len(alone))
        ratios.append(spent / len(load.latencies) / per_item)
        rates.append(load.rate)
        sizes.append(size)
    return Figure.of(
        "processor time of the server over the engine's alone, at saturation",
        ratios,
        "<= 1.15",
        requests_per_second=round(statistics.median(rates), 1),
        items_a_batch=statistics.median(sizes),
    )


def _engine_on(
    variant: Variant, batches: list[list[tuple[tuple[int, ...], ...]]]
) -> Callable[[], None]:
    def run() -> None:
        for items in batches:
            variant.engine.logits(list(itertools.chain.from_iterable(items)))

    return run


def _lone(server: Server, variant: Variant, console: Console) -> Figure:
    """One caller, one item at a time, beside the engine on the same item, turn by turn."""
    client = server.client(1)
    ratios, asked, ran = [], [], []
    for item in track(mixed_items(10), description="lone requests", console=console):
        [rows] = rows_of(variant.tokenizer, [item])
        request, own, engine = body(item, model=MODEL), [], []
        for _ in range(LONE_REQUESTS):
            own.append(seconds(_ask, client, request))
            engine.append(seconds(variant.engine.logits, rows))
        ratios.append(statistics.median(own) / statistics.median(engine))
        asked.append(statistics.median(own))
        ran.append(statistics.median(engine))
    client.close()
    return Figure.of(
        "a lone request's median over the engine's own time for the item",
        ratios,
        "<= 1.25",
        request_ms=round(1000 * statistics.median(asked), 2),
        engine_ms=round(1000 * statistics.median(ran), 2),
    )


def _ask(client: HTTPClient, request: bytes) -> None:
    client.post("/predict/xcopa", request, JSON).read()


def measure_plain(console: Console) -> list[Figure]:
    """Return the service's requests per second over those of an endpoint that batches nothing."""
    bodies = _bodies()
    with (
        started(SERVICE) as ours,
        # torch's own way of waiting threads, which is the faster one for it.
        started(uvicorn("loadtests.plain:app"), probe="/docs", OMP_WAIT_POLICY="") as plain,
    ):
        for server in (ours, plain):
            closed_loop(server, bodies, CALLERS, 3)
        rounds = [
            tuple(closed_loop(server, bodies, CALLERS, ROUND_S) for server in (ours, plain))
            for _ in track(range(ROUNDS), description="plain endpoint", console=console)
        ]
    return [
        Figure.of(
            "requests per second over a plain endpoint with the padded pass",
            [one.rate / other.rate for one, other in rounds],
            requests_per_second=[
                round(statistics.median(load.rate for load in side), 1)
                for side in zip(*rounds, strict=True)
            ],
            median_ms=[
                round(1000 * statistics.median(load.median for load in side))
                for side in zip(*rounds, strict=True)
            ],
        )
    ]


def measure_null(console: Console) -> list[Figure]:
    """Return the service on an engine that answers at once, over a bare echo; needs wrk."""
    if shutil.which("wrk") is None:
        console.print("wrk is not installed (Debian package wrk): the null engine is left out")
        return []
    service, echo = (f"loadtests.bench.null_server:{name}" for name in ("service", "echo"))
    [item] = mixed_items(1)
    with (
        started(uvicorn(service)) as ours,
        started(uvicorn(echo), probe="/docs") as bare,
        tempfile.TemporaryDirectory() as directory,
    ):
        script = Path(directory) / "post.lua"
        script.write_text(_WRK.format(body(item).decode()), encoding="utf-8")
        ratios, cpu, rates = [], [], []
        for server in (ours, bare):
            _wrk(server, script, 3)
        for _ in track(range(ROUNDS), description="null engine", console=console):
            (our_rate, our_cpu), (rate, echo_cpu) = (_wrk(s, script, 5) for s in (ours, bare))
            ratios.append(our_rate / rate)
            cpu.append((1e6 * our_cpu, 1e6 * echo_cpu))
            rates.append((our_rate, rate))
    return [
        Figure.of(
            "null engine: requests per second over a bare FastAPI echo",
            ratios,
            ">= 0.7",
            requests_per_second=[
                round(statistics.median(side)) for side in zip(*rates, strict=True)
            ],
            cpu_us_a_request=[round(statistics.median(side)) for side in zip(*cpu, strict=True)],
        )
    ]


def _wrk(server: Server, script: Path, duration: int) -> tuple[float, float]:
    """Return requests per second, and processor seconds a request."""
    cpu, began = server.cpu_seconds, time.monotonic()
    url = f"http://127.0.0.1:{server.port}/predict/xcopa"
    output = subprocess.run(  # noqa: S603
        ["wrk", "-t1", f"-c{CALLERS}", f"-d{duration}", "-s", str(script), url],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    ).stdout
    if "Non-2xx" in output:
        raise RuntimeError(output)
    rate = float(output.split("Requests/sec:")[1].split()[0])
    return rate, (server.cpu_seconds - cpu) / (rate * (time.monotonic() - began))
