"""``xcopa predict`` as a process: here, against the real service, through faults and kills."""

from __future__ import annotations

import json
import os
import pty
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.server import ServerProcess
from tests.sample import sample_items
from tests.xcopa.faulty_proxy import FAULTS, faulty_proxy

COMMAND = [sys.executable, "-m", "xcopa.main", "predict"]
KILLS = 3
LIMIT_S = 120
"""Less than a busy proxy asks a caller to wait."""


@pytest.fixture(scope="module")
def environment(tiny_direct: Path, tiny_stilts: Path) -> dict[str, str]:
    return {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
        "XCOPA_THREADS": "1",
        "XCOPA_LOG_LEVEL": "warning",
    }


@pytest.fixture(scope="module")
def url(environment: dict[str, str]) -> Iterator[str]:
    # Less than a call brings at first: the command must send less.
    with ServerProcess(**environment, XCOPA_MAX_BATCH_ITEMS="50") as server:
        yield server.wait_until_ready().url


def rows(count: int) -> list[dict[str, Any]]:
    """Items in twelve languages, each one other than all before; some are wrong."""
    items = sample_items()
    made: list[dict[str, Any]] = [
        {**items[n % len(items)], "label": n % 2, "idx": n} for n in range(count)
    ]
    for row in made:
        row["premise"] += f" {row['idx']}"
    made[7]["premise"] = "word " * 400  # more than the model reads
    made[70]["question"] = "why"
    return made


def write(path: Path, made: list[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in made), "utf-8")
    return path


def run(*arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=LIMIT_S, **more
    )


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("source") / "rows.jsonl", rows(300))


@pytest.fixture(scope="module")
def here(source: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What the command answers with a model that it loads."""
    return run(source, env=os.environ | environment)


def test_every_row_is_answered_here_but_for_those_that_are_wrong(
    here: subprocess.CompletedProcess[str],
) -> None:
    answered = lines(here.stdout)
    assert [each["idx"] for each in answered] == list(range(300))
    errors = {each["line"]: each["error"]["errors"][0] for each in answered if "error" in each}
    assert {line: error["field"] for line, error in errors.items()} == {
        8: "premise",
        71: "question",
    }
    assert "256" in errors[8]["message"], "the model's limit"
    assert here.returncode == 1
    right = sum(each.get("label") == each["input_label"] for each in answered)
    assert here.stderr.splitlines()[-3:] == [
        "298 of 300 rows answered",
        f"accuracy {100 * right / 298:.1f} %: {right} of 298 labelled rows",
        "2 rows failed; the error is in their output line",
    ]


@pytest.fixture(scope="module")
def served(source: Path, url: str) -> subprocess.CompletedProcess[str]:
    """What the command has a service answer."""
    return run(source, "--against", url, "--out", source.with_name("served"))


def test_a_service_answers_as_the_model_here(
    here: subprocess.CompletedProcess[str], served: subprocess.CompletedProcess[str], source: Path
) -> None:
    assert served.stderr == here.stderr
    assert (served.returncode, served.stdout) == (1, "")
    theirs = lines(source.with_name("served").read_text("utf-8"))
    for own, other in zip(lines(here.stdout), theirs, strict=True):
        assert own.pop("logits", []) == pytest.approx(other.pop("logits", []), abs=1e-4)
        for each in (own, other):
            each.pop("probabilities", None)
        if "error" in own:
            assert own["error"]["errors"] == other["error"]["errors"]
            assert own["line"] == other["line"]
        else:
            assert own == other


def test_a_table_from_standard_input_is_answered_by_the_model_that_is_named(url: str) -> None:
    table = 'question;choice2;choice1;premise\ncause;"It; snowed";It rained;Wet.\n'
    done = run("-", "--against", url, "--model", "direct", input=table)
    assert (done.returncode, done.stderr) == (0, "1 of 1 rows answered\n")
    [answered] = lines(done.stdout)
    assert (answered["model"], answered["choice2"]) == ("direct", "It; snowed")


@pytest.mark.slow
def test_refusals_and_broken_connections_lose_no_row_and_double_none(
    served: subprocess.CompletedProcess[str], source: Path, url: str, tmp_path: Path
) -> None:
    faulty = tmp_path / "faulty"
    with faulty_proxy(url, every=3, faults=FAULTS) as proxy:
        done = run(source, "--against", proxy.url, "--out", faulty)
        assert set(proxy.made) == set(FAULTS)
        broken = sum(fault.startswith("reset") for fault in proxy.made)
        assert len(proxy.connections) <= 4 + broken, "connections are used again"
    assert done.stderr == served.stderr
    assert same(faulty) == same(source.with_name("served"))


def same(out: Path) -> list[dict[str, Any]]:
    """Return lines without what differs in the last digits by the batch."""
    found = lines(out.read_text("utf-8"))
    for each in found:
        if "logits" in each:
            each["logits"] = [round(logit, 2) for logit in each["logits"]]
        each.pop("probabilities", None)
    return found


def interrupted(out: Path, size: int, *arguments: object, **more: Any) -> bool:
    """Run the command and kill it when its output has that many bytes; False if it ended."""
    command = [*COMMAND, *map(str, arguments), "--out", str(out)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, **more)
    while process.poll() is None:
        if out.exists() and out.stat().st_size >= size:
            process.send_signal(signal.SIGKILL)
            return process.wait(LIMIT_S) == -signal.SIGKILL
    return False


@pytest.mark.slow
def test_killed_at_any_point_the_command_goes_on_where_it_was(url: str, tmp_path: Path) -> None:
    source = write(tmp_path / "rows.jsonl", rows(3000))
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert run(source, "--against", url, "--out", whole).returncode == 1
    chance = random.Random()  # noqa: S311 - another point each time
    end = whole.stat().st_size
    points = sorted(chance.randrange(end * 9 // 10) for _ in range(KILLS))
    killed = [interrupted(out, point, source, "--against", url) for point in points]
    assert any(killed), points
    with out.open("ab") as file:  # as if the last kill had hit a line
        file.write(b'{"line": 29')
    done = run(source, "--against", url, "--out", out)
    assert done.returncode == 1
    assert same(out) == same(whole)


@pytest.mark.slow
def test_killed_while_a_model_answers_here_the_command_goes_on(
    environment: dict[str, str], tmp_path: Path
) -> None:
    source = write(tmp_path / "rows.jsonl", rows(1500))
    whole, out = tmp_path / "whole", tmp_path / "out"
    env = os.environ | environment
    run(source, "--out", whole, env=env)
    end = whole.stat().st_size
    killed = [interrupted(out, end * part // 4, source, env=env) for part in (0, 2)]
    assert any(killed)
    assert run(source, "--out", out, env=env).returncode == 1
    assert same(out) == same(whole)


def test_a_reader_that_leaves_ends_the_command_quietly(url: str, tmp_path: Path) -> None:
    source = write(tmp_path / "rows.jsonl", [{"idx": n} for n in range(20_000)])
    with subprocess.Popen(
        [*COMMAND, str(source), "--against", url], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b'{"line": 1,')
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
        assert process.wait(LIMIT_S) == 1


def test_a_bar_is_drawn_on_a_terminal(url: str, source: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [*COMMAND, str(source), "--against", url, "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, stderr=theirs, env={**os.environ, "TERM": "xterm"}) as process:
        os.close(theirs)
        drawn = b""
        with suppress(OSError):  # how Linux says that the other side is closed
            while part := os.read(ours, 4096):
                drawn += part
    os.close(ours)
    assert process.returncode == 1
    assert b"300 rows, 2 failed" in drawn
    assert b"298 of 300 rows answered" in drawn


@pytest.fixture
def interrupts() -> Iterator[None]:
    """A shell ignores interrupts for what it starts in the background, and for its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_ends_a_command_that_waits_for_a_busy_service(
    url: str, source: Path, interrupts: None
) -> None:
    command = [*COMMAND, str(source), "--against"]
    with (
        faulty_proxy(url, every=1, faults=["busy"]) as proxy,
        subprocess.Popen([*command, proxy.url]) as process,
    ):
        try:
            assert proxy.refused.wait(LIMIT_S)
            process.send_signal(signal.SIGINT)
            assert process.wait(LIMIT_S) != 0
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.jsonl"], "missing.jsonl does not exist"),
        (["-", "--model", "large"], "--model must be direct or stilts, not large"),
        (["-", "--against", "http://127.0.0.1:1"], "http://127.0.0.1:1 cannot be reached"),
    ],
)
def test_what_cannot_work_is_one_clear_line(arguments: list[str], message: str) -> None:
    done = run(*arguments, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"xcopa cannot go on: {message}")
    assert done.stderr.count("\n") == 1


def test_a_model_that_a_service_lacks_is_one_clear_line(url: str, source: Path) -> None:
    done = run(source, "--against", url, "--model", "large")
    assert done.stderr == (
        f"xcopa cannot go on: {url} serves direct, stilts, and not large; name one with --model\n"
    )
