"""What tests start is installed where that can be done, and named in one line elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scripts.debian_packages import PACKAGES, Machine, main

ALL = {*PACKAGES, "apt-get"}


@dataclass
class Commands:
    """Keeps what is run, and whether services were forbidden meanwhile."""

    policy: Path
    statuses: Sequence[int] = (0, 0)
    ran: list[list[str]] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)

    def __call__(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        assert environment["DEBIAN_FRONTEND"] == "noninteractive"
        self.policies.append(self.policy.read_text(encoding="utf-8"))
        self.ran.append(list(command))
        return self.statuses[len(self.ran) - 1]


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path / "policy-rc.d")


def machine(commands: Commands, there: Collection[str], *, is_root: bool = True) -> Machine:
    def find(name: str) -> str | None:
        return f"/usr/bin/{name}" if name in there else None

    return Machine(find, commands, is_root, commands.policy)


def test_where_everything_is_there_nothing_is_done_or_said(
    commands: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    main(machine(commands, ALL))
    assert not commands.ran
    assert capsys.readouterr() == ("", "")


def test_root_gets_what_is_missing_and_no_service_is_started(commands: Commands) -> None:
    main(machine(commands, ALL - {"prometheus", "promtool", "wrk"}))
    assert commands.ran == [
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "--yes", "--no-install-recommends", "-qq", "prometheus", "wrk"],
    ]
    assert commands.policies == ["#!/bin/sh\nexit 101\n"] * 2
    assert not commands.policy.exists()


def test_a_policy_that_is_there_stays(commands: Commands) -> None:
    commands.policy.write_text("own", encoding="utf-8")
    main(machine(commands, ALL - {"wrk"}))
    assert commands.policies == ["own", "own"]
    assert commands.policy.read_text(encoding="utf-8") == "own"


@pytest.mark.parametrize(
    ("there", "is_root"), [(ALL - {"chromium", "wrk"}, False), ({"prometheus", "promtool"}, True)]
)
def test_others_are_told_in_one_line(
    commands: Commands, there: set[str], is_root: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    main(machine(commands, there, is_root=is_root))
    assert not commands.ran
    [line] = capsys.readouterr().err.splitlines()
    names = " ".join(sorted({PACKAGES[each] for each in PACKAGES.keys() - there}))
    assert line == f"Tests that need {names} are skipped; on Debian: sudo apt-get install {names}"


@pytest.mark.parametrize(("statuses", "ran"), [((100,), 1), ((0, 100), 2)])
def test_an_index_that_is_not_reached_stops_no_test(
    commands: Commands, statuses: Sequence[int], ran: int, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.statuses = statuses
    main(machine(commands, ALL - {"wrk"}))
    assert len(commands.ran) == ran
    assert "ended with 100: tests that need wrk may be skipped" in capsys.readouterr().err
    assert not commands.policy.exists()


def test_a_file_system_that_cannot_be_written_stops_no_test(
    commands: Commands, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.policy = tmp_path / "gone" / "policy-rc.d"
    main(machine(commands, ALL - {"wrk"}))
    assert not commands.ran
    assert "No such file or directory" in capsys.readouterr().err
