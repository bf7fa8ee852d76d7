"""The list of scenarios."""

from __future__ import annotations

import pytest

from loadtests.scenarios.__main__ import main, scenarios
from tests.conftest import ROOT


def test_every_scenario_has_a_question_and_the_command_of_its_file() -> None:
    found = {name: (question, command) for name, question, command in scenarios()}
    assert list(found) == ["ramp", "soak", "spike", "staircase", "steady"]
    for name, (question, command) in found.items():
        assert question.endswith("?")
        assert command.startswith(f"locust -f loadtests/scenarios/{name}.py --headless -u ")
        assert (ROOT / "loadtests" / "scenarios" / f"{name}.py").exists()


def test_the_list_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    main()
    printed = capsys.readouterr().out
    assert all(question in printed and command in printed for _, question, command in scenarios())
