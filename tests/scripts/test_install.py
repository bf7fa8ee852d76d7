"""scripts/install.py: which torch, in which order, with which installer."""

from __future__ import annotations

import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scripts import install
from scripts.install import CPU_INDEX, InstallError, TorchIndex, choose_index

ROOT = Path(__file__).resolve().parents[2]


class Commands:
    """Runs nothing and remembers what it was to run; a program in ``failing`` ends with 1."""

    def __init__(self, *failing: str) -> None:
        self.run: list[list[str]] = []
        self._failing = failing

    def __call__(self, command: Sequence[str]) -> int:
        self.run.append(list(command))
        return int(any(part in self._failing for part in command))


def reached(index: str) -> bool:
    return True


def unreached(index: str) -> bool:
    return False


def unasked(index: str) -> bool:
    pytest.fail("an index was asked for nothing")


def test_without_a_gpu_torch_is_the_cpu_build_of_its_own_index() -> None:
    assert choose_index({}, default_is_cuda=True, reached=reached).url == CPU_INDEX


def test_where_that_index_is_not_reached_the_default_one_stands_in_and_it_is_said() -> None:
    index = choose_index({}, default_is_cuda=True, reached=unreached)
    assert index.url is None
    assert "cannot be reached" in index.reason


def test_with_a_gpu_nothing_is_asked_and_the_default_index_serves() -> None:
    assert choose_index({}, default_is_cuda=False, reached=unasked).url is None


@pytest.mark.parametrize(("named", "url"), [("https://x.org/whl", "https://x.org/whl"), ("", None)])
def test_the_variable_overrides_all_that_and_may_be_empty(named: str, url: str | None) -> None:
    environment = {"TORCH_INDEX_URL": named}
    for cuda in (True, False):
        assert choose_index(environment, default_is_cuda=cuda, reached=unasked).url == url


def test_the_driver_s_folder_or_its_program_means_a_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(install, "NVIDIA_DRIVER", tmp_path / "nvidia")
    assert not install.has_nvidia_gpu()
    (tmp_path / "nvidia").mkdir()
    assert install.has_nvidia_gpu()
    (tmp_path / "nvidia").rmdir()
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/nvidia-smi"
    program.touch(mode=0o755)
    assert install.has_nvidia_gpu()


@pytest.fixture
def index_server() -> Iterator[str]:
    """An index that has torch's page under /good and nothing else."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200 if self.path == "/good/torch/" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_index_is_reached_if_it_has_a_page_of_torch(
    index_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert install.is_reached(f"{index_server}/good")
    assert not install.is_reached(f"{index_server}/bad")
    assert not install.is_reached("http://127.0.0.1:9")


def test_a_pin_is_read_with_or_without_a_marker() -> None:
    text = "numpy==2.1 ; python_version < '3.12'\ntorch==2.13.0\ntorchvision==0.1\n"
    assert install.pinned("torch", text) == "2.13.0"
    assert install.pinned("numpy", text) == "2.1"
    with pytest.raises(InstallError, match="make lock"):
        install.pinned("fastapi", text)


def test_torch_alone_comes_from_its_index() -> None:
    command = install.torch_command("python", "2.13.0", TorchIndex("https://x.org", ""))
    assert command[command.index("--index-url") + 1] == "https://x.org"
    assert "--no-deps" in command
    assert "--index-url" not in install.torch_command("python", "2.13.0", TorchIndex(None, ""))


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without uv, whose environment has no torch."""
    monkeypatch.setenv("TORCH_INDEX_URL", "https://x.org")
    monkeypatch.setattr(install, "installed_torch", lambda python: None)
    monkeypatch.setattr("shutil.which", lambda name: None)


@pytest.mark.usefixtures("bare")
def test_torch_comes_before_the_project_so_that_no_other_build_is_fetched() -> None:
    commands, said = Commands(), list[str]()
    install.install("python", "dev", run=commands, say=said.append)
    torch, project = commands.run
    assert "torch" in torch[-1]
    assert project[-1] == f"{ROOT}[dev]"
    assert project[project.index("--constraint") + 1] == str(ROOT / "constraints.txt")
    assert len(said) == 1


@pytest.mark.usefixtures("bare")
def test_a_torch_that_is_there_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    version = install.pinned("torch", install.CONSTRAINTS.read_text(encoding="utf-8"))
    monkeypatch.setattr(install, "installed_torch", lambda python: version)
    commands = Commands()
    install.install("python", None, run=commands, say=pytest.fail)
    assert [command[-1] for command in commands.run] == [str(ROOT)]


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("failing", "installers"), [((), ["uv"]), (("uv",), ["uv", "python"])], ids=["works", "fails"]
)
def test_uv_installs_the_project_where_it_is_there_and_pip_where_uv_fails(
    failing: tuple[str, ...], installers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: "uv" if name == "uv" else None)
    commands = Commands(*failing)
    install.install("python", "dev", run=commands, say=lambda line: None)
    torch, *project = commands.run
    assert torch[0] == "python"
    assert [command[0] for command in project] == installers


@pytest.mark.usefixtures("bare")
def test_a_failure_ends_it_with_one_line_and_without_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").touch()
    commands = Commands("--no-deps")
    assert install.main(["--venv", str(tmp_path)], run=commands) == 1
    assert len(commands.run) == 1
    assert capsys.readouterr().err.splitlines() == [
        "torch could not be installed; TORCH_INDEX_URL= names its index"
    ]


@pytest.mark.usefixtures("bare")
def test_an_environment_is_made_where_there_is_none(tmp_path: Path) -> None:
    commands = Commands()
    assert install.main(["--venv", str(tmp_path / "new")], run=commands) == 0
    assert commands.run[0] == [sys.executable, "-m", "venv", str(tmp_path / "new")]


def test_a_python_that_is_too_old_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install, "OLDEST_PYTHON", (99, 1))
    assert install.main([], run=Commands()) == 1
    assert "Python 99.1 or newer is needed" in capsys.readouterr().err


def test_an_extra_that_is_none_is_refused_before_anything_is_installed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    commands = Commands()
    assert install.main(["train,evalute"], run=commands) == 1
    assert commands.run == []
    assert "no extra 'evalute'" in capsys.readouterr().err
    install.check_extras("train,evaluate")


def test_the_oldest_python_is_the_project_s() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    oldest = ".".join(map(str, install.OLDEST_PYTHON))
    assert pyproject["project"]["requires-python"] == f">={oldest}"


def test_torch_s_version_in_an_environment_is_read_without_its_build() -> None:
    version = install.pinned("torch", install.CONSTRAINTS.read_text(encoding="utf-8"))
    assert install.installed_torch(sys.executable) == version
    assert install.installed_torch("false") is None


def test_it_needs_nothing_but_the_standard_library() -> None:
    script = ROOT / "scripts/install.py"
    command = [sys.executable, "-I", "-S", str(script), "--help"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
