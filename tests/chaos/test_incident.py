"""What is asked of the alerts of an incident; ``make incident`` goes through one."""

from __future__ import annotations

from pathlib import Path

import pytest

from observability.pictures import Span
from tests.chaos.faults import Mode
from tests.chaos.incident import MAY_FIRE, OVERLOAD, PHASES, STUCK, Outcome
from tests.deploy.expressions import alerts


def fired(**begins: float) -> Outcome:
    return Outcome(0.0, {name: Span(name, at, at + 60) for name, at in begins.items()})


AS_IT_IS = {"XcopaQueueSaturated": 300, "XcopaBudgetBurnsFast": 290, "XcopaStalled": 580}


def test_the_right_alerts_in_order_are_no_problem() -> None:
    assert fired(**AS_IT_IS).problems() == []
    assert fired(**AS_IT_IS, XcopaLosesItems=600).problems() == []


@pytest.mark.parametrize(
    ("outcome", "problem"),
    [
        (fired(XcopaQueueSaturated=300, XcopaStalled=580), "XcopaBudgetBurnsFast did not fire"),
        (fired(**AS_IT_IS, XcopaDown=1), "XcopaDown fired"),
        (
            fired(**{**AS_IT_IS, "XcopaStalled": 100}),
            "the stuck engine was noticed before the overload",
        ),
        (
            Outcome(0.0, fired(**AS_IT_IS).fired, frozenset({"XcopaStalled"})),
            "XcopaStalled still fires",
        ),
    ],
    ids=["missing", "unexpected", "wrong order", "no recovery"],
)
def test_whatever_else_happens_is_said(outcome: Outcome, problem: str) -> None:
    assert outcome.problems() == [problem]


def test_it_takes_ten_minutes_or_a_little_more_and_ends_well() -> None:
    assert 600 <= sum(phase.seconds for phase in PHASES) <= 780
    assert [phase.mode for phase in PHASES] == [Mode.OK, Mode.SLOW, Mode.STICK, Mode.OK]
    assert set(alerts()) >= OVERLOAD | STUCK | MAY_FIRE


def test_its_pictures_are_part_of_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/watch.md").read_text(encoding="utf-8")
    for name in ("overview", "batcher", "variants", "resources"):
        assert f"(../figures/dashboards/xcopa-{name}.png)" in page
