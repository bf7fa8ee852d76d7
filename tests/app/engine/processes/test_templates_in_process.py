"""What the front says to the processes that engines are forked from, and what it hears.

What real processes do is in ``test_templates.py``.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.engine.plan import EnginePlan
from app.engine.processes import templates as module
from app.engine.processes.messages import Failed, Order, Ready, Refused
from app.engine.processes.templates import NoTemplateError, Templates
from app.errors import StartError
from tests.app.engine.processes.stand_in_template import StandInProcess, System
from tests.app.engine.stand_in_engines import LIMIT_S

ORDER = Order("module:function", {"of": "an argument"}, logging.INFO)


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    made = System()
    monkeypatch.setattr(subprocess, "Popen", made.popen)
    monkeypatch.setattr(os, "kill", made.kill)
    yield made
    made.close()


@pytest.fixture
def templates(system: System) -> Iterator[Templates]:
    made = Templates(ORDER)
    yield made
    for each in made.controls:
        each.close()
    if not ended(made):
        made.end()


def ended(templates: Templates) -> bool:
    try:
        os.fstat(templates._lifeline)
    except OSError:
        return True
    return False


def first_process(templates: Templates) -> StandInProcess:
    assert isinstance(templates._first, StandInProcess)
    return templates._first


def test_the_order_is_given_and_a_spare_is_forked_when_it_has_loaded(
    templates: Templates, system: System
) -> None:
    assert templates.start() == Ready("about the weights", EnginePlan(2, 3))
    assert system.orders == [ORDER]
    assert list(templates.pids) == [each.pid for each in system.templates]
    assert len(templates.pids) == 2
    assert len(templates.controls) == 2


def test_the_process_is_this_interpreter_with_this_import_path_and_no_threads_of_a_library(
    templates: Templates, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", ["", "/somewhere/else"])
    monkeypatch.setenv("XCOPA_OF_THIS_PROCESS", "yes")
    templates.start()
    assert system.command[:2] == [sys.executable, "-c"]
    assert system.environment["PYTHONPATH"] == f"{Path.cwd()}{os.pathsep}/somewhere/else"
    assert system.environment["OPENBLAS_NUM_THREADS"] == "1"
    assert system.environment["XCOPA_OF_THIS_PROCESS"] == "yes"


def test_what_the_factory_refuses_or_does_wrong_is_raised(
    templates: Templates, system: System
) -> None:
    system.answer = Refused("XCOPA_MODELS: no")
    with pytest.raises(StartError, match=r"^XCOPA_MODELS: no$"):
        templates.start()
    assert len(system.templates) == 1, "no spare is forked"


def test_a_defect_of_the_factory_is_raised_with_its_trace(
    templates: Templates, system: System
) -> None:
    system.answer = Failed("Traceback: strange")
    says = r"^in the process that loads the models: Traceback: strange$"
    with pytest.raises(RuntimeError, match=says):
        templates.start()


@pytest.mark.parametrize(
    ("status", "stuck", "told"),
    [
        (-9, False, "signal 9"),
        (3, False, "status 3"),
        (0, False, "status 0"),
        (0, True, "no status"),
    ],
)
def test_a_process_that_ends_while_it_loads_is_told_with_its_status(
    templates: Templates, system: System, status: int, stuck: bool, told: str
) -> None:
    system.answer, system.status, system.stuck = None, status, stuck
    says = (
        rf"^the process that loads the models ended \({told}\); if that is signal 9, the system "
        "was short of memory$"
    )
    with pytest.raises(StartError, match=says):
        templates.start()
    assert first_process(templates).waits == [5.0]


def test_an_engine_gets_its_ends_of_the_channel_and_of_the_sign_of_life(
    templates: Templates, system: System
) -> None:
    templates.start()
    engine = templates.fork_engine(7)
    [(template, number, pid, [channel, life])] = system.engines
    assert (template, number) == (templates.pids[0], 7)
    assert (engine.number, engine.pid) == (7, pid)
    engine.channel.send_bytes(b"a batch")
    assert channel.recv_bytes() == b"a batch"
    channel.send_bytes(b"an answer")
    assert engine.channel.recv_bytes() == b"an answer"
    assert not engine.ended
    life.close()
    assert engine.ended, "nobody else holds that end"
    channel.close()
    with pytest.raises(EOFError):
        engine.channel.recv_bytes()
    engine.channel.close()
    engine.life.close()


def test_a_template_that_has_ended_is_replaced_by_its_spare(
    templates: Templates, system: System, caplog: pytest.LogCaptureFixture
) -> None:
    templates.start()
    first, spare = templates.pids
    templates.look_after()
    assert list(templates.pids) == [first, spare], "both live"
    system.templates[0].end()
    templates.look_after()
    assert templates.pids[0] == spare
    assert len(templates.pids) == 2
    assert first_process(templates).waits == [None], "its status is taken, or a zombie would stay"
    assert not templates.orphans
    assert caplog.messages == [
        f"process {first}, which engines are started from, is lost: it ended"
    ]


def test_a_spare_that_has_ended_is_replaced_and_taken_off_the_list_by_the_system(
    templates: Templates, system: System
) -> None:
    templates.start()
    first, spare = templates.pids
    system.templates[1].end()
    templates.look_after()
    assert templates.pids[0] == first
    assert len(templates.pids) == 2
    assert spare not in templates.pids
    assert first_process(templates).waits == []
    assert templates.orphans, "its parent may have ended, and then it is ours"


def test_a_template_that_ends_before_it_forks_an_engine_is_replaced(
    templates: Templates, system: System
) -> None:
    templates.start()
    _, spare = templates.pids
    system.templates[0].end()
    engine = templates.fork_engine(0)
    [(template, *_)] = system.engines
    assert template == spare
    assert not engine.ended
    engine.channel.close()
    engine.life.close()


def test_a_template_that_does_not_answer_is_ended_and_replaced(
    templates: Templates,
    system: System,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    templates.start()
    first, spare = templates.pids
    system.templates[0].mute = True
    monkeypatch.setattr(module, "ANSWER_LIMIT_S", 0.0)
    # The spare has all the time that it needs.
    system.on_kill = lambda: monkeypatch.setattr(module, "ANSWER_LIMIT_S", LIMIT_S)
    engine = templates.fork_engine(0)
    assert system.killed == [first]
    assert engine.pid in [pid for template, _, pid, _ in system.engines if template == spare]
    assert "is lost: no answer within 0 s" in caplog.messages[0]
    engine.channel.close()
    engine.life.close()


def test_when_the_template_and_its_spare_are_gone_no_engine_is_forked(
    templates: Templates, system: System, caplog: pytest.LogCaptureFixture
) -> None:
    templates.start()
    for each in system.templates:
        each.end()
    says = r"^the process that engines are started from, and its spare, are gone$"
    with pytest.raises(NoTemplateError, match=says):
        templates.fork_engine(0)
    assert list(templates.pids) == []
    assert caplog.messages[-1] == ("no engine can be replaced from now on; restart the service")


def test_a_template_and_a_spare_that_end_together_are_lost_once_each(
    templates: Templates, system: System
) -> None:
    """The second one is lost when it is to fork a spare; its number may be another's after that."""
    templates.start()
    pids = list(templates.pids)
    for each in system.templates:
        each.end()
    templates.look_after()
    assert list(templates.pids) == []
    assert system.killed == pids


def test_a_control_channel_that_cannot_be_read_is_the_end_of_its_template(
    templates: Templates,
) -> None:
    templates.start()
    first, _ = templates.pids
    templates.controls[0].close()
    templates.look_after()
    assert first not in templates.pids


def test_the_end_closes_the_lifeline_and_waits_for_the_first_process(
    templates: Templates, system: System
) -> None:
    templates.start()
    lifeline, _ = system.descriptors
    os.set_blocking(lifeline, False)
    with pytest.raises(BlockingIOError):
        os.read(lifeline, 1)
    templates.end()
    assert os.read(lifeline, 1) == b"", "every engine reads the end"
    for each in system.templates:
        each.join(LIMIT_S)
        assert not each.lives
    assert first_process(templates).waits == [5.0]
    assert system.killed == []


def test_a_first_process_that_does_not_end_is_killed(templates: Templates, system: System) -> None:
    templates.start()
    system.stuck = True
    templates.end()
    assert system.killed == [first_process(templates).pid]
    assert first_process(templates).waits == [5.0, None]


def test_templates_that_never_started_leave_nothing_to_wait_for(templates: Templates) -> None:
    templates.end()
    assert ended(templates)
