"""Engines that are killed, stopped, or short of memory: callers notice that it takes longer."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.chaos.client import (
    BATCH,
    PREDICT,
    BrokenConnectionError,
    Crowd,
    Reply,
    close_to,
    in_background,
    item,
)
from tests.chaos.conftest import Poison, StartServer
from tests.chaos.faults import Mode
from tests.chaos.service import FaultyServer, lives, wait_until

pytestmark = pytest.mark.slow

CALLERS = 8
ENGINES = 2
KILLS = 5
SLOW_S = 0.02


@pytest.fixture(scope="module")
def pooled(
    sources: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FaultyServer]:
    """One server that has to live through many ends of its engines."""
    settings = {**sources, "XCOPA_ENGINES": str(ENGINES), "XCOPA_WATCHDOG_S": "2"}
    with FaultyServer(tmp_path_factory.mktemp("pooled"), settings) as server:
        server.wait_until_ready()
        yield server


@pytest.fixture
def server(pooled: FaultyServer) -> Iterator[FaultyServer]:
    """That server; after each test all of its engines are there again, and nobody else."""
    yield pooled
    pooled.faults.clear()
    wait_until(lambda: pooled.metrics.value("xcopa_engines") == ENGINES, "all engines are there")
    assert pooled.ready
    assert pooled.call(PREDICT, item(0)).status == HTTPStatus.OK
    wait_until(lambda: len(pooled.engines) == ENGINES, "no engine is left over")
    wait_until(lambda: len(pooled.templates) == 2, "the template and its spare are there")


def crowd_of(server: FaultyServer) -> Crowd[tuple[int, Reply]]:
    return Crowd(CALLERS, lambda number: (number, server.call(PREDICT, item(number))))


def test_engines_that_are_killed_under_load_cost_no_call(server: FaultyServer) -> None:
    expected = [server.call(PREDICT, item(number)).logits for number in range(CALLERS)]
    before = server.metrics
    with crowd_of(server) as crowd:
        for turn in range(KILLS):
            answered = server.metrics.items("answered") + CALLERS
            wait_until(lambda: server.metrics.items("answered") > answered, "calls go on")  # noqa: B023
            server.kill_engine(turn % ENGINES)
        seen = crowd.stop()
    for number, reply in seen:
        assert reply.status == HTTPStatus.OK, reply.text
        assert reply.logits == close_to(expected[number])
    after = server.metrics
    assert after.since(before, "xcopa_engine_restarts_total") == KILLS
    assert after.since(before, "xcopa_items_total", outcome="failed") == 0
    assert after.since(before, "xcopa_worker_restarts_total") == 0
    assert after.since(before, "xcopa_engine_busy_seconds_total", engine="0") > 0


def test_the_only_engine_may_be_killed_under_load_and_the_service_stays_ready(
    start: StartServer,
) -> None:
    """Calls wait for the next one in the queue, and no load balancer takes the service out."""
    server = start(XCOPA_ENGINES="1")
    expected = [server.call(PREDICT, item(number)).logits for number in range(CALLERS)]
    with crowd_of(server) as crowd, Crowd(1, lambda _: server.ready) as probing:
        for _ in range(2):
            answered = server.metrics.items("answered") + CALLERS
            wait_until(lambda: server.metrics.items("answered") > answered, "calls go on")  # noqa: B023
            server.kill_engine()
        seen, seen_ready = crowd.stop(), probing.stop()
    for number, reply in seen:
        assert reply.status == HTTPStatus.OK, reply.text
        assert reply.logits == close_to(expected[number])
    assert all(seen_ready)
    assert server.metrics.value("xcopa_engine_restarts_total") == 2
    assert server.metrics.value("xcopa_engines_planned") == 1


def test_an_engine_that_is_stopped_is_ended_and_its_batch_runs_on_another(
    server: FaultyServer,
) -> None:
    expected = server.call(PREDICT, item(1)).logits
    before = server.metrics
    for pid in server.engines:
        os.kill(pid, signal.SIGSTOP)
    waiting = [in_background(server.call, PREDICT, item(1)) for _ in range(CALLERS)]
    assert server.ready, "they are not stuck yet"
    for each in waiting:
        assert each.result().logits == close_to(expected)
    assert server.metrics.since(before, "xcopa_engine_restarts_total") == ENGINES
    assert any("an engine is stuck" in line for line in server.output)


def test_an_engine_that_gets_no_memory_is_replaced_and_its_batch_answered(
    server: FaultyServer,
) -> None:
    expected = server.call(PREDICT, item(1)).logits
    before = server.metrics
    for pid in server.engines:
        resource.prlimit(pid, resource.RLIMIT_AS, (1 << 20, resource.RLIM_INFINITY))
    server.faults.set(Mode.EAT)
    replies = [in_background(server.call, PREDICT, item(1)) for _ in range(CALLERS)]
    for each in replies:
        assert each.result().logits == close_to(expected)
    assert server.metrics.since(before, "xcopa_engine_restarts_total") >= 1


def test_an_item_that_kills_engines_fails_alone(server: FaultyServer, poison: Poison) -> None:
    neighbours = range(6)
    expected = [server.call(PREDICT, item(number)).logits for number in neighbours]
    before = server.metrics
    server.faults.set(Mode.KILL, poison_token=poison.token)
    body = [item(number) for number in neighbours]
    body[2] = poison.item(2)
    together = server.call(BATCH, {"items": body})
    assert together.status == HTTPStatus.OK
    predictions = together.json["predictions"]
    assert predictions[2]["error"]["status"] == HTTPStatus.INTERNAL_SERVER_ERROR
    for number in {*neighbours} - {2}:
        assert predictions[number]["logits"] == close_to(expected[number])
    assert server.call(PREDICT, poison.item(0)).is_problem(HTTPStatus.INTERNAL_SERVER_ERROR)
    assert server.metrics.since(before, "xcopa_items_total", outcome="failed") == 2
    wait_until(
        lambda: server.metrics.since(before, "xcopa_engine_restarts_total") >= 4,
        "each was given two engines",
    )


def test_a_poisoned_item_whose_pass_raises_fails_alone_and_ends_no_engine(
    server: FaultyServer, poison: Poison
) -> None:
    before, engines = server.metrics, server.engines
    server.faults.set(Mode.POISON, poison_token=poison.token)
    together = server.call(BATCH, {"items": [item(0), poison.item(1), item(2)]})
    answers = together.json["predictions"]
    assert ["error" in answer for answer in answers] == [False, True, False]
    assert server.engines == engines
    assert server.metrics.since(before, "xcopa_engine_restarts_total") == 0
    # The trace of the engine is in the log of the service.
    assert any("InjectedError: the batch is poisoned" in line for line in server.output)


def test_the_template_may_be_killed_and_engines_are_replaced_all_the_same(
    server: FaultyServer,
) -> None:
    for _ in range(2):
        [template, spare] = server.templates
        os.kill(template, signal.SIGKILL)
        wait_until(lambda: template not in server.templates, "it is gone")  # noqa: B023
        wait_until(lambda: len(server.templates) == 2, "there is a new spare")
        assert spare in server.templates
        server.kill_engine()
        assert server.call(PREDICT, item(0)).status == HTTPStatus.OK


def test_an_engine_that_is_killed_in_a_drain_loses_no_call(start: StartServer) -> None:
    server = start(XCOPA_ENGINES="2")
    server.faults.set(Mode.SLOW, SLOW_S)

    def ask(number: int) -> Reply | None:
        try:
            return server.call(PREDICT, item(number))
        except (ConnectionRefusedError, BrokenConnectionError):
            return None  # nobody listens any more

    with Crowd(CALLERS, ask) as crowd:
        server.wait_for_responses(PREDICT, HTTPStatus.OK, CALLERS)
        engines = server.engines
        server.terminate()
        for pid in engines:
            os.kill(pid, signal.SIGKILL)
        assert server.exit_status() == 0
        statuses = {reply.status for reply in crowd.stop() if reply is not None}
    assert statuses <= {HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE}
    assert not any("work was left" in line for line in server.output)


@pytest.mark.parametrize("stopped", [False, True])
def test_a_service_that_is_killed_leaves_no_process(start: StartServer, stopped: bool) -> None:
    """Also in the midst of a pass, and of an engine that is stopped."""
    server = start(XCOPA_ENGINES="2")
    left = [each.pid for each in server.others()]
    assert len(left) == ENGINES + 2
    server.faults.set(Mode.STICK)
    given = len(server.faults.batches())
    calls = [in_background(server.call, PREDICT, item(0)) for _ in range(ENGINES)]
    wait_until(lambda: len(server.faults.batches()) > given, "the engine has a batch")
    if stopped:
        os.kill(server.engines[0], signal.SIGSTOP)
    server.process.kill()
    assert server.exit_status() == -signal.SIGKILL
    wait_until(lambda: not any(map(lives, left)), "all are gone")
    for each in calls:
        with pytest.raises(BrokenConnectionError):
            each.result()


def test_signals_to_the_whole_terminal_leave_the_engines_to_the_drain(start: StartServer) -> None:
    server = start(XCOPA_ENGINES="2")
    server.faults.set(Mode.SLOW, SLOW_S)
    given = len(server.faults.batches())
    calls = [in_background(server.call, PREDICT, item(number)) for number in range(CALLERS)]
    wait_until(lambda: len(server.faults.batches()) > given, "the engine has a batch")
    for each in server.others():
        os.kill(each.pid, signal.SIGINT)
    server.process.send_signal(signal.SIGINT)
    assert server.exit_status() == 0
    assert {each.result().status for each in calls} <= {
        HTTPStatus.OK,
        HTTPStatus.SERVICE_UNAVAILABLE,
    }
    assert not any("is lost" in line for line in server.output)


def test_without_engines_and_without_templates_the_service_says_so(start: StartServer) -> None:
    server = start(XCOPA_ENGINES="2", XCOPA_WATCHDOG_S="1")
    engines = server.engines
    for pid in [*server.templates, *engines]:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not server.ready, "not ready")
    waiting = in_background(server.call, PREDICT, item(0))
    assert waiting.result().is_problem(HTTPStatus.SERVICE_UNAVAILABLE)
    assert server.call("/readyz").json["status"] == "stuck"
    assert any("no engine can be replaced" in line for line in server.output)
    server.terminate()
    assert server.exit_status() == 0


def test_a_template_that_is_killed_while_it_loads_ends_the_start_with_one_line(
    sources: dict[str, str], tmp_path: Path
) -> None:
    with FaultyServer(tmp_path, {**sources, "XCOPA_ENGINES": "1"}) as server:
        wait_until(lambda: bool(server.templates), "the template runs")
        os.kill(server.templates[0], signal.SIGKILL)
        assert server.exit_status() == 1
        server.wait_for_line(r"cannot start: the process that loads the models ended \(signal 9\)")
        assert not server.tracebacks()
