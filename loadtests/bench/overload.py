"""The service when pushed: more arrivals than it can serve, a bulk caller, and a long time."""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import gevent
import gevent.event
from rich.console import Console
from rich.progress import Progress

from loadtests.bench.figures import Figure
from loadtests.bench.items import body, mixed_items
from loadtests.bench.light_client import LightClient
from loadtests.bench.servers import JSON, OK, SERVICE, Server, closed_loop, started

TIMES_CAPACITY, OVERLOAD_S, DEADLINE_S = 3.0, 60.0, 1.0
HUNG_S = 10.0
CALLERS = 32
TOO_MANY, LATE = 429, 504
SOAK_MINUTES = 20.0
BULK_CONNECTIONS, BULK_ITEMS, SINGLES = 4, 64, 60
MODEL = "stilts"


@dataclass(frozen=True)
class Arrival:
    """One request of an open load: its status (0 for none at all), and how long it took."""

    status: int
    seconds: float
    retry_after: str


def measure_overload(console: Console) -> list[Figure]:
    """Return the share of the capacity that is answered in time at three times the capacity."""
    bodies = [body(item, model=MODEL) for item in mixed_items(1024)]
    with started(SERVICE) as server:
        closed_loop(server, bodies, CALLERS, 5)
        capacity = closed_loop(server, bodies, CALLERS, 15).rate
        lone = closed_loop(server, bodies, 1, 3).median
        console.print(f"capacity {capacity:.0f}/s, lone {1000 * lone:.1f} ms; overloading ...")
        arrivals, wait_for_all = _open_load(server, bodies, TIMES_CAPACITY * capacity)
        normal_after = _back_to_normal(server, bodies, lone)
        wait_for_all()
        again = closed_loop(server, bodies, CALLERS, 15).rate
    in_time = [a for a in arrivals if a.status == OK and a.seconds <= DEADLINE_S]
    statuses = [arrival.status for arrival in arrivals]
    refused = [arrival for arrival in arrivals if arrival.status == TOO_MANY]
    # Of the machine's capacity before and after, since it drifts within minutes.
    share = len(in_time) / OVERLOAD_S / statistics.mean([capacity, again])
    answered = sorted(a.seconds for a in arrivals if a.status == OK)
    return [
        Figure.of(
            "share of capacity answered within 1 s at three times as many arrivals",
            [share],
            ">= 0.9",
            capacity_per_second=[round(capacity, 1), round(again, 1)],
            arrivals=len(arrivals),
            statuses={status: statuses.count(status) for status in sorted(set(statuses))},
            refused_without_retry_after=sum(not arrival.retry_after for arrival in refused),
            hung=sum(arrival.seconds > HUNG_S or not arrival.status for arrival in arrivals),
            answered_ms={
                "p50": round(1000 * answered[len(answered) // 2]),
                "p99": round(1000 * answered[int(0.99 * len(answered))]),
            },
            refused_ms=round(1000 * statistics.median(a.seconds for a in refused), 1),
        ),
        Figure.of("seconds until a lone request is as fast as before", [normal_after], "<= 2"),
    ]


def _open_load(
    server: Server, bodies: list[bytes], rate: float
) -> tuple[list[Arrival], Callable[[], None]]:
    """Send requests at times of chance (Poisson), whatever becomes of those before them.

    Returns:
        The arrivals, which grow until the second has been called: it waits for the last.
    """
    chance = random.Random(11)  # noqa: S311
    headers = {**JSON, "X-Request-Timeout-Ms": str(round(1000 * DEADLINE_S))}
    client = LightClient(server.port, timeout=2 * HUNG_S)
    requests = [client.request("/predict/xcopa", each, headers) for each in bodies]
    arrivals: list[Arrival] = []
    waiting = []
    began = due = time.monotonic()
    while due < began + OVERLOAD_S:
        gevent.sleep(max(0.0, due - time.monotonic()))
        waiting.append(gevent.spawn(_arrive, client, chance.choice(requests), arrivals, due))
        due += chance.expovariate(rate)

    def wait_for_all() -> None:
        gevent.joinall(waiting, timeout=3 * HUNG_S)
        client.close()

    return arrivals, wait_for_all


def _arrive(client: LightClient, request: bytes, arrivals: list[Arrival], due: float) -> None:
    # From the moment it was due: a client that is late itself must not hide the wait.
    try:
        status, retry_after = client.ask(request)
    except OSError:
        status, retry_after = 0, ""
    arrivals.append(Arrival(status, time.monotonic() - due, retry_after))


def _back_to_normal(server: Server, bodies: list[bytes], lone: float) -> float:
    """Return the seconds until three requests in a row take no more than twice the usual."""
    began, in_a_row = time.monotonic(), 0
    while in_a_row < 3:  # noqa: PLR2004
        latency = closed_loop(server, bodies, 1, 0).median
        in_a_row = in_a_row + 1 if latency < 2 * lone else 0
        if time.monotonic() - began > 6 * HUNG_S:
            break
    return time.monotonic() - began


def measure_fairness(console: Console) -> list[Figure]:
    """Return what a saturating bulk caller does to a single caller's median."""
    singles = [body(item, model=MODEL) for item in mixed_items(256)]
    items = mixed_items(BULK_ITEMS)
    bulk = json.dumps({"items": items, "model": MODEL}).encode()
    with started(SERVICE) as server:
        closed_loop(server, singles, CALLERS, 5)
        unloaded = statistics.median(_ask_singles(server, singles))
        stop = gevent.event.Event()
        callers = [gevent.spawn(_keep_asking, server, bulk, stop) for _ in range(BULK_CONNECTIONS)]
        gevent.sleep(3)
        console.print(f"unloaded {1000 * unloaded:.1f} ms; now beside a bulk caller ...")
        before = server.metrics()
        loaded = _ask_singles(server, singles)
        after = server.metrics()
        stop.set()
        gevent.joinall(callers, raise_error=True)
    name = "xcopa_inference_duration_seconds"
    batch = (after[f"{name}_sum", MODEL] - before[f"{name}_sum", MODEL]) / (
        after[f"{name}_count", MODEL] - before[f"{name}_count", MODEL]
    )
    allowed = 3 * unloaded + batch
    return [
        Figure.of(
            "a single caller's median beside a bulk caller, over 3 x unloaded + one batch",
            [statistics.median(loaded) / allowed],
            "<= 1",
            unloaded_ms=round(1000 * unloaded, 1),
            loaded_ms=round(1000 * statistics.median(loaded), 1),
            batch_ms=round(1000 * batch, 1),
        )
    ]


def _ask_singles(server: Server, bodies: list[bytes]) -> list[float]:
    client = server.client(1)
    latencies = []
    for number in range(SINGLES):
        began = time.monotonic()
        response = client.post(
            "/predict/xcopa", bodies[number % len(bodies)], {**JSON, "X-API-Key": "single"}
        )
        response.read()
        if response.status_code != OK:
            raise RuntimeError(f"a single caller got status {response.status_code}")
        latencies.append(time.monotonic() - began)
        gevent.sleep(random.uniform(0.02, 0.1))  # noqa: S311
    client.close()
    return latencies


def _keep_asking(server: Server, request: bytes, stop: gevent.event.Event) -> None:
    client = server.client(1)
    while not stop.is_set():
        response = client.post("/predict/xcopa/batch", request, {**JSON, "X-API-Key": "bulk"})
        response.read()
        if response.status_code == TOO_MANY:
            gevent.sleep(float(response.get("retry-after", "1")))
    client.close()


def measure_soak(console: Console, minutes: float = SOAK_MINUTES) -> list[Figure]:
    """Return the memory at the end of a long saturation with mixed lengths, over after 2 minutes.

    Lengths from a few tokens to the model's limit, singles and lists, both models.
    """
    requests = _soak_requests()
    readings: list[tuple[float, int]] = []
    with started(SERVICE) as server, Progress(console=console) as progress:
        task = progress.add_task("soak", total=60 * minutes)
        stop = gevent.event.Event()
        callers = [gevent.spawn(_soak_caller, server, requests, stop, n) for n in range(CALLERS)]
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < 60 * minutes:
            readings.append((elapsed, server.memory))
            progress.update(task, completed=elapsed)
            gevent.sleep(2)
        stop.set()
        gevent.joinall(callers, raise_error=True)
    early = statistics.median(memory for at, memory in readings if 105 <= at <= 135)  # noqa: PLR2004
    late = statistics.median(memory for at, memory in readings if at >= 60 * minutes - 30)
    return [
        Figure.of(
            f"memory after {minutes:g} minutes of saturation over after 2",
            [late / early],
            "<= 1.03",
            megabytes=[round(early / 1e6), round(late / 1e6)],
            most=round(max(memory for _, memory in readings) / 1e6),
        )
    ]


def _soak_requests() -> list[tuple[str, bytes]]:
    chance = random.Random(3)  # noqa: S311
    requests = []
    for number, item in enumerate(mixed_items(2000)):
        model = chance.choice(("direct", "stilts"))
        longer = {
            **item,
            "premise": " ".join([item["premise"]] * chance.choice((1, 1, 1, 2, 4, 8))),
        }
        if number % 10:
            requests.append(("/predict/xcopa", body(longer, model=model)))
        else:
            several = mixed_items(chance.randrange(2, 40))
            content = {"items": several, "model": model}
            requests.append(("/predict/xcopa/batch", json.dumps(content).encode()))
    return requests


def _soak_caller(
    server: Server, requests: list[tuple[str, bytes]], stop: gevent.event.Event, turn: int
) -> None:
    client = server.client(1)
    while not stop.is_set():
        path, request = requests[turn % len(requests)]
        response = client.post(path, request, JSON)
        response.read()
        if response.status_code not in (OK, TOO_MANY):
            raise RuntimeError(f"status {response.status_code}")
        turn += CALLERS
    client.close()
