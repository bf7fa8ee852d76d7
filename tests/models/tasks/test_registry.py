"""The tasks by name, and what each must say of itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from models.tasks.example import DataError, Head
from models.tasks.registry import TASKS, find
from tests.conftest import ROOT

WITH_LABELS = (Head.CLASSIFICATION, Head.TAGGING)


def test_a_task_is_found_by_its_name() -> None:
    assert all(find(name).name == name for name in TASKS)


def test_an_unknown_task_lists_those_there_are() -> None:
    with pytest.raises(DataError, match=r"no task 'winogrande'; there are copa, .*, ccg$"):
        find("winogrande")


def test_the_nine_intermediate_tasks_of_phang_et_al_are_there() -> None:
    nine = {
        *("anli-mnli-snli", "mnli", "qqp", "squad1", "squad2", "hellaswag", "ccg", "cosmosqa"),
        "commonsenseqa",
    }
    assert nine <= TASKS.keys()


@pytest.mark.parametrize("name", TASKS)
def test_a_task_names_its_paper_licence_and_labels(name: str) -> None:
    task = TASKS[name]
    assert task.title
    assert task.paper
    assert task.licence
    assert bool(task.labels or task.read_labels) == (task.head in WITH_LABELS)


@pytest.mark.parametrize("name", TASKS)
def test_the_reference_describes_the_task(name: str) -> None:
    reference = (ROOT / "docs" / "reference" / "data.md").read_text(encoding="utf-8")
    task = TASKS[name]
    assert f"`{name}`" in reference
    assert task.licence in reference
    assert all(f"`{split.id}`" in reference for split in task.hub)


def test_the_registry_does_not_import_the_library_of_the_hub() -> None:
    program = "import sys, models.tasks.registry; print({'datasets', 'torch'} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
