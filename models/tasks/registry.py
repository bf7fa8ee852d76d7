"""Every task that a recipe can name."""

from __future__ import annotations

from models.tasks.example import DataError
from models.tasks.sets import (
    anli_mnli_snli,
    balanced_copa,
    ccg,
    commonsenseqa,
    copa,
    cosmosqa,
    ecare,
    hellaswag,
    logiqa2,
    mnli,
    openbookqa,
    piqa,
    qqp,
    socialiqa,
    squad,
    swag,
)
from models.tasks.task import Task

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        copa.TASK,
        balanced_copa.TASK,
        ecare.TASK,
        socialiqa.TASK,
        commonsenseqa.TASK,
        hellaswag.TASK,
        swag.TASK,
        cosmosqa.TASK,
        piqa.TASK,
        openbookqa.TASK,
        logiqa2.TASK,
        mnli.TASK,
        anli_mnli_snli.TASK,
        qqp.TASK,
        squad.SQUAD1,
        squad.SQUAD2,
        ccg.TASK,
    )
}


def find(name: str) -> Task:
    """Return a task by its name.

    Raises:
        DataError: there is no such task; lists those there are.
    """
    if name not in TASKS:
        raise DataError(f"there is no task {name!r}; there are {', '.join(TASKS)}")
    return TASKS[name]
