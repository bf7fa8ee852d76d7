"""The commands, and that serving loads no more than it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.errors import StartError
from xcopa.main import app

PROBE = """
import sys
import xcopa.main
{then}
print(sorted(name for name in sys.modules if name in {names!r}))
"""


def loaded(then: str, *names: str) -> str:
    code = PROBE.format(then=then, names=names)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_reading_the_command_line_loads_no_torch() -> None:
    assert loaded("", "torch", "transformers", "models.training") == "[]"


def test_serving_loads_no_training_code() -> None:
    then = "import app.server"
    assert loaded(then, "models.training", "models.evaluation", "models.tasks", "datasets") == "[]"


def test_asking_a_service_for_a_file_loads_no_torch() -> None:
    assert loaded("import xcopa.predict", "torch", "transformers", "scipy") == "[]"


def test_reading_a_recipe_loads_no_torch() -> None:
    assert loaded("import app.weights.checkpoint", "torch", "transformers") == "[]"


def test_the_command_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "xcopa", "--help"], capture_output=True, text=True, check=True
    )
    for command in ("serve", "base", "predict", "data", "train", "evaluate", "report"):
        assert command in done.stdout


def test_the_base_is_named_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.weights.embedded.ensure_base", lambda cache_dir: cache_dir / "base")
    result = CliRunner().invoke(app, ["base"], env={"XCOPA_CACHE_DIR": str(tmp_path)})
    assert result.stdout == f"{tmp_path / 'base'}\n"


def test_a_base_that_cannot_be_had_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(cache_dir: Path) -> Path:
        raise StartError(f"cannot write the embedded base to {cache_dir}")

    monkeypatch.setattr("app.weights.embedded.ensure_base", unavailable)
    result = CliRunner().invoke(app, ["base"])
    assert result.exit_code == 1
    assert result.stderr.startswith("xcopa cannot go on: cannot write the embedded base")


@pytest.mark.parametrize(
    "options",
    [["--replicas", "3"], ["--max-replicas", "3"], ["--replicas", "1", "--max-replicas", "2"]],
    ids=" ".join,
)
def test_replicas_without_ray_are_a_wrong_use_and_not_one_service(
    options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xcopa.main.leave_on_signals", lambda: pytest.fail("it serves"))
    result = CliRunner().invoke(app, ["serve", *options])
    assert result.exit_code == 2
    assert options[0] in result.stderr
    assert "only with --ray" in result.stderr
