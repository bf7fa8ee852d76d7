"""The Dockerfile and its build context, as far as they can be judged without Docker."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings
from scripts.install import CPU_INDEX

ROOT = Path(__file__).resolve().parents[2]


class Dockerfile:
    """The instructions of a Dockerfile, by stage."""

    def __init__(self, text: str) -> None:
        without_comments = re.sub(r"(?m)^\s*#.*\n", "", text)
        lines = without_comments.replace("\\\n", " ").splitlines()
        self.stages: list[list[tuple[str, str]]] = [[]]
        for name, rest in (line.split(maxsplit=1) for line in lines if line.strip()):
            if name == "FROM":
                self.stages.append([])
            self.stages[-1].append((name, rest.strip()))

    @property
    def everything(self) -> list[tuple[str, str]]:
        return [instruction for stage in self.stages for instruction in stage]

    def last(self, name: str) -> str:
        """What the final stage says last with this instruction."""
        return [rest for instruction, rest in self.stages[-1] if instruction == name][-1]

    def stage(self, name: str) -> list[tuple[str, str]]:
        return next(s for s in self.stages if s and s[0][1].endswith(f" AS {name}"))

    @property
    def healthcheck(self) -> list[str]:
        command = self.last("HEALTHCHECK").partition("CMD ")[2]
        return [str(word) for word in json.loads(command)]


def copied(stage: list[tuple[str, str]]) -> list[str]:
    """Return the files and folders that a stage takes from the build context."""
    copies = [rest.split() for name, rest in stage if name == "COPY"]
    return [source for words in copies if "--from" not in words[0] for source in words[:-1]]


def admitted(path: str) -> bool:
    """Whether .dockerignore lets a path into the build: the last line that matches decides."""
    verdict = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        if pattern.startswith("**/"):
            candidates, pattern = path.split("/"), pattern.removeprefix("**/")
        else:
            # A folder that matches takes all that is below it along.
            candidates = [path.split("/", maxsplit=1)[0]]
        if any(fnmatch.fnmatchcase(candidate, pattern) for candidate in candidates):
            verdict = line.startswith("!")
    return verdict


@pytest.fixture(scope="module")
def dockerfile() -> Dockerfile:
    return Dockerfile((ROOT / "Dockerfile").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_stage_starts_from_one_pinned_image(dockerfile: Dockerfile) -> None:
    starts = [rest.split() for name, rest in dockerfile.everything if name == "FROM"]
    stages = {words[-1] for words in starts}
    assert {words[0] for words in starts} - stages == {"${PYTHON_IMAGE}"}
    default = next(rest for name, rest in dockerfile.stages[0] if name == "ARG")
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.1[1-9]\.\d+-slim-\w+(@sha256:\w{64})?", default)


def test_it_runs_as_a_user_without_rights_that_is_named_by_number(dockerfile: Dockerfile) -> None:
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", dockerfile.last("USER"))


def test_sigterm_reaches_the_service(dockerfile: Dockerfile, project: dict[str, Any]) -> None:
    program, *arguments = json.loads(dockerfile.last("CMD"))  # a shell form would not be JSON
    assert program in project["project"]["scripts"]
    assert arguments == ["serve"]
    assert dockerfile.last("STOPSIGNAL") == "SIGTERM"


def test_all_that_it_installs_from_an_index_has_a_locked_version(dockerfile: Dockerfile) -> None:
    commands = [
        command
        for name, rest in dockerfile.everything
        if name == "RUN"
        for command in re.findall(r"pip install[^&|]*", rest)
    ]
    from_an_index = [command for command in commands if "--requirement" in command]
    assert len(from_an_index) == 2
    assert [c for c in from_an_index if "--constraint constraints.txt" not in c] == []
    assert [c for c in commands if c not in from_an_index and "--no-deps" not in c] == []
    assert "constraints.txt" in copied(dockerfile.stage("dependencies"))


def pip_calls(dockerfile: Dockerfile, folder: Path, **arguments: str) -> list[str]:
    """Run the step that installs, with programs that only note how they are called."""
    for program in ("pip", "python"):
        (folder / program).write_text(f'#!/bin/sh\necho {program} "$@" >> {folder}/calls\n')
        (folder / program).chmod(0o755)
    (step,) = [
        rest for name, rest in dockerfile.stage("dependencies") if name == "RUN" and "venv" in rest
    ]
    command = re.sub(r"--mount=\S+", "", step).partition("&& cd ")[0]
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", **arguments}
    subprocess.run(["sh", "-c", command], env=environment, check=True)
    return [line for line in (folder / "calls").read_text().splitlines() if line.startswith("pip ")]


@pytest.mark.parametrize(
    ("arguments", "index"),
    [
        ({"DEVICE": "cpu"}, CPU_INDEX),
        ({"DEVICE": "cuda"}, None),
        ({"DEVICE": "cpu", "TORCH_INDEX_URL": ""}, None),
        ({"DEVICE": "cuda", "TORCH_INDEX_URL": "https://index/cu126"}, "https://index/cu126"),
    ],
    ids=["cpu", "cuda", "cpu from the default index", "cuda from another index"],
)
def test_torch_alone_comes_from_the_index_of_its_build(
    dockerfile: Dockerfile, tmp_path: Path, arguments: dict[str, str], index: str | None
) -> None:
    torch, rest = pip_calls(dockerfile, tmp_path, **arguments)
    assert "--requirement torch.txt" in torch
    assert re.findall(r"--index-url (\S+)", torch) == ([] if index is None else [index])
    assert "--requirement requirements.txt" in rest
    assert "--index-url" not in rest


def test_a_device_that_there_is_not_ends_the_build(dockerfile: Dockerfile, tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        pip_calls(dockerfile, tmp_path, DEVICE="tpu")


def test_an_image_computes_on_the_device_that_it_is_built_for(dockerfile: Dockerfile) -> None:
    assert ("ARG", "DEVICE=cpu") in dockerfile.stages[0]
    assert "XCOPA_DEVICE=${DEVICE}" in dockerfile.last("ENV").split()


def test_the_settings_in_the_image_are_settings(dockerfile: Dockerfile) -> None:
    names = re.findall(r"\bXCOPA_(\w+)=", dockerfile.last("ENV"))
    assert names
    assert [name for name in names if name.lower() not in Settings.model_fields] == []


def test_each_step_that_asks_an_index_has_pips_secrets(dockerfile: Dockerfile) -> None:
    asking = [
        rest
        for name, rest in dockerfile.everything
        if name == "RUN" and re.search(r"pip install|ensure_base", rest)
    ]
    assert len(asking) == 3
    for secret in ("pip.conf", "pip.cert"):
        mount = f"--mount=type=secret,id={secret},target=/etc/{secret} "
        assert [step for step in asking if mount not in step] == []


def test_torch_and_the_rest_are_read_from_the_project(
    dockerfile: Dockerfile, project: dict[str, Any], tmp_path: Path
) -> None:
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    command = next(rest for name, rest in dockerfile.stage("requirements") if name == "RUN")
    python_first = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", command], cwd=tmp_path, env=python_first, check=True)
    requirements = (tmp_path / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert requirements == project["project"]["dependencies"]
    torch = (tmp_path / "torch.txt").read_text(encoding="utf-8").splitlines()
    assert torch == [line for line in requirements if line.startswith("torch")]


def test_what_it_copies_is_there_and_admitted(dockerfile: Dockerfile) -> None:
    sources = copied(dockerfile.everything)
    assert {"app", "models", "planning", "xcopa"} <= set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert [source for source in sources if not admitted(source)] == []


@pytest.mark.parametrize(
    "path",
    [".env", "xcopa.env", ".git/config", "runs/x/model.pt", "docs/x.md", "app/api/.x.py.swp"],
)
def test_nothing_else_gets_into_the_build(path: str) -> None:
    assert not admitted(path)


def test_what_lies_beside_the_code_is_installed_with_it(project: dict[str, Any]) -> None:
    """The image has the installed package, not the source tree."""
    data = project["tool"]["setuptools"]["package-data"]
    installed = {
        path
        for package, patterns in data.items()
        for pattern in patterns
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    beside = {
        path
        for folder in ("app", "models", "planning", "xcopa")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix != ".py" and admitted(str(path.relative_to(ROOT)))
    }
    assert beside - installed == set()


def test_the_base_needs_only_the_files_that_its_stage_copies(
    dockerfile: Dockerfile, tmp_path: Path
) -> None:
    for source in copied(dockerfile.stage("base")):
        (tmp_path / source).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / source, tmp_path / source)
    # -P and a path of its own: nothing of the repository can stand in for a file left out.
    own_path = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); "
    code = own_path + "from app.weights.embedded import ensure_base"
    subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, check=True)


@contextmanager
def answering(status: int) -> Iterator[int]:
    """Answer /livez with a status, on a port that is yielded."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/livez" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def probe(dockerfile: Dockerfile, **environment: str) -> bool:
    """Run the health check; return whether it finds the service healthy."""
    program, *arguments = dockerfile.healthcheck
    assert program == "python"
    # A proxy, as Docker may pass one to every container, must not be asked.
    whole = {**os.environ, "http_proxy": "http://127.0.0.1:9", **environment}
    return subprocess.run([sys.executable, *arguments], env=whole, check=False).returncode == 0


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_asks_livez_on_the_port_of_the_settings(
    dockerfile: Dockerfile, status: int, healthy: bool
) -> None:
    with answering(status) as port:
        assert probe(dockerfile, XCOPA_PORT=str(port)) is healthy
