"""Device, precision and threads are chosen together, and torch is told."""

from __future__ import annotations

from typing import Any

import pytest

from app.engine import compute, kernels
from app.engine.compute import Compute, set_up
from app.engine.kernel_choice import Kernel
from app.engine.target import EXACT, Precision, Target, TargetChoice
from app.engine.threads import ONE_LANE, LanePlan, ThreadChoice
from app.errors import StartError

BF16 = Target(precision=Precision.BF16)


class Machine:
    """A machine of 16 threads that can multiply bf16; it notes what it is asked and told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[Any] = []
        self.threads_set: list[int] = []
        monkeypatch.setattr(compute, "choose_threads", self.choose_threads)
        monkeypatch.setattr(compute, "choose_target", self.choose_target)
        monkeypatch.setattr(compute, "use_threads", self.threads_set.append)

    def choose_threads(self, setting: int | None) -> ThreadChoice:
        self.asked.append(setting)
        return ThreadChoice(16 if setting is None else setting, "a reason for threads")

    def choose_target(self, device: str, precision: str) -> TargetChoice:
        self.asked.append((device, precision))
        return TargetChoice(BF16 if precision == "auto" else EXACT, "a reason for bf16")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_what_is_not_said_is_the_exact_answer_on_the_cpu_with_all_its_threads(
    machine: Machine,
) -> None:
    assert set_up() == Compute(EXACT, LanePlan(4, 4), "auto")
    assert machine.asked == [None, ("cpu", "fp32")]
    assert Compute() == Compute(EXACT, ONE_LANE)


def test_a_kernel_that_the_target_lacks_is_refused_before_any_model(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "kernels_for", lambda *_: (Kernel.TORCH,))
    with pytest.raises(StartError, match=r"^XCOPA_LINEAR_KERNEL is onednn, "):
        set_up(kernel="onednn")
    assert set_up(kernel="torch").kernel == "torch"


def test_what_is_said_is_passed_on(machine: Machine) -> None:
    assert set_up(3, "auto", "auto") == Compute(BF16, LanePlan(3, 1), "auto")
    assert machine.asked == [3, ("auto", "auto")]


@pytest.mark.parametrize(
    ("lanes", "plan", "threads"), [(True, LanePlan(4, 4), 4), (False, LanePlan(1, 16), 16)]
)
def test_torch_gets_the_threads_of_a_lane(
    machine: Machine, lanes: bool, plan: LanePlan, threads: int
) -> None:
    assert set_up(lanes=lanes).plan == plan
    assert machine.threads_set == [threads]


def test_the_log_has_the_reasons(machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    set_up()
    assert [record.getMessage() for record in caplog.records] == [
        "a forward pass uses 16 threads, in 4 lanes: a reason for threads",
        "the models compute on a reason for bf16",
    ]
