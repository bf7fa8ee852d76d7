"""The examples of ``docs/reference/python.md`` run, and the names on it exist."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from pydoc import locate
from typing import Any

import pytest

from models.tasks.registry import find
from tests.models.tasks.invented_causal import COPA
from tests.models.tasks.writing import write

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
NAMES = re.findall(r"(?m)^::: (\S+)$", PAGE)

Run = Callable[[str], dict[str, Any]]


@pytest.fixture
def run_example(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the one example that imports a module, in the root of the project."""
    monkeypatch.chdir(ROOT)

    def run(module: str) -> dict[str, Any]:
        blocks = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
        [block] = [each for each in blocks if f"from {module} import" in each]
        names: dict[str, Any] = {}
        exec(compile(block, "docs/reference/python.md", "exec"), names)  # noqa: S102
        return names

    return run


@pytest.mark.usefixtures("embedded_base")
def test_the_example_of_a_model_gives_a_logit_for_each_choice(run_example: Run) -> None:
    first, second = run_example("app.weights.variant")["logits"]
    assert first > second


def test_the_example_of_a_report_prints_an_accuracy_for_each_language(
    run_example: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run_example("models.evaluation.measure.report")
    *languages, interval = capsys.readouterr().out.splitlines()
    assert "en 0.7" in languages
    assert interval.startswith("Estimate(value=0.7,")


def test_the_example_of_a_data_set_names_a_task_and_a_split(tmp_path: Path) -> None:
    [(task, split)] = re.findall(r'find\("(.*?)"\)\.load\(None, "(.*?)"\)', PAGE)
    write(COPA.files, tmp_path)
    assert find(task).load(tmp_path, split)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_the_page_can_be_imported(name: str) -> None:
    assert locate(name) is not None


def test_every_module_that_an_example_imports_is_described() -> None:
    imported = re.findall(r"(?m)^from ((?:app|models)\.\S+) import (\w+)", PAGE)
    known = set(NAMES) | {"app.settings"}
    assert [
        f"{module}.{name}" for module, name in imported if not {module, f"{module}.{name}"} & known
    ] == []
