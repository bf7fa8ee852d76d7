"""The environment of the peers: made once, at versions that are written down."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from loadtests.peers import install as module
from loadtests.peers.catalogue import ALL_PEERS
from loadtests.peers.environments import RAY, SERVERS, PeerEnvironment
from loadtests.peers.install import install, main, named
from scripts import install as project
from scripts.install import CONSTRAINTS, InstallError, pinned

ENVIRONMENTS = list(dict.fromkeys(peer.environment_of for peer in ALL_PEERS))


def lines_of(environment: PeerEnvironment) -> list[str]:
    lines = environment.requirements.read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


class Commands:
    """Runs nothing and remembers what it was to run; a command with ``failing`` ends with 1."""

    def __init__(self, failing: str = "none") -> None:
        self.run: list[list[str]] = []
        self._failing = failing

    def __call__(self, command: Sequence[str]) -> int:
        self.run.append(list(command))
        return int(self._failing in command)


@pytest.fixture(autouse=True)
def default_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch comes from the default index, and no environment has one."""
    monkeypatch.setenv("TORCH_INDEX_URL", "")
    monkeypatch.setattr(project, "installed_torch", lambda python: None)


def made(tmp_path: Path) -> PeerEnvironment:
    folder, requirements = tmp_path / "peers", tmp_path / "requirements.txt"
    folder.mkdir()
    requirements.write_text("mosec==1.2.3\n", "utf-8")
    return PeerEnvironment(folder, requirements)


def test_torch_comes_first_and_the_peers_at_their_versions(tmp_path: Path) -> None:
    environment, commands, said = made(tmp_path), Commands(), list[str]()
    python = install(environment, run=commands, say=said.append)
    venv, torch, peers = commands.run
    assert venv[1:] == ["-m", "venv", str(environment.folder)]
    assert torch[0] == peers[0] == str(python)
    assert torch[-1] == f"torch=={pinned('torch', CONSTRAINTS.read_text('utf-8'))}"
    assert peers[-2:] == ["--requirement", str(environment.requirements)]
    assert str(environment.folder) in said[0]


def test_an_environment_that_is_there_is_left_alone(tmp_path: Path) -> None:
    environment = made(tmp_path)
    install(environment, run=Commands(), say=lambda line: None)
    again = Commands()
    install(environment, run=again, say=pytest.fail)
    assert again.run == []


def test_other_versions_are_installed_anew(tmp_path: Path) -> None:
    environment = made(tmp_path)
    install(environment, run=Commands(), say=lambda line: None)
    environment.requirements.write_text("mosec==9.9.9\n", "utf-8")
    assert not environment.is_installed


@pytest.mark.parametrize("failing", ["venv", "--no-deps", "--requirement"])
def test_a_half_made_environment_is_no_environment(tmp_path: Path, failing: str) -> None:
    environment = made(tmp_path)
    with pytest.raises(InstallError):
        install(environment, run=Commands(failing), say=lambda line: None)
    assert not environment.is_installed


def test_the_command_says_why_it_failed_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(environment: PeerEnvironment) -> None:
        raise InstallError("pip could not install the peers")

    monkeypatch.setattr(module, "install", fail)
    assert main([]) == 1
    assert capsys.readouterr().err == "pip could not install the peers\n"


def test_peers_are_installed_by_name_and_each_environment_once() -> None:
    assert named([]) == [SERVERS]
    assert named(["mosec", "ray-serve", "bentoml"]) == [SERVERS, RAY]
    with pytest.raises(InstallError, match="no peer 'mosek'; there are fastapi, litserve"):
        named(["mosek"])


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda each: each.folder.name)
def test_every_package_is_at_one_version_and_torch_is_not_among_them(
    environment: PeerEnvironment,
) -> None:
    lines = lines_of(environment)
    assert all(str(Requirement(line).specifier).startswith("==") for line in lines)
    names = {Requirement(line).name.lower() for line in lines}
    assert "torch" not in names
    own = [peer for peer in ALL_PEERS if peer.environment_of == environment]
    assert {package.lower() for peer in own for package in peer.packages} <= names


@pytest.mark.parametrize(
    "package", ["transformers", "tokenizers", "safetensors", "fastapi", "uvicorn"]
)
def test_what_the_service_also_uses_has_its_version(package: str) -> None:
    """What a peer loses or wins is then its own doing, and the padded pass is the same."""
    own = pinned(package, CONSTRAINTS.read_text("utf-8"))
    assert f"{package}=={own}" in lines_of(SERVERS)
