"""Three sets of inference in one: their labels mean the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.tasks.example import DataError, Sentences
from models.tasks.sets.anli_mnli_snli import TASK
from tests.models.tasks.invented import ANLI_MNLI_SNLI, DOG, NOON
from tests.models.tasks.writing import write

ENTAILMENT, NEUTRAL, CONTRADICTION = 0, 1, 2


def test_the_rounds_and_the_sets_follow_one_another_under_one_set_of_labels(
    tmp_path: Path,
) -> None:
    data = write(ANLI_MNLI_SNLI.files, tmp_path)
    assert TASK.labels == ("entailment", "neutral", "contradiction")
    assert TASK.load(data, "train") == [
        # ANLI has letters for them, a round a file; MultiNLI and SNLI have names.
        *(Sentences(*NOON, label) for label in (ENTAILMENT, NEUTRAL, CONTRADICTION)),
        Sentences(*DOG, ENTAILMENT),
        Sentences(*NOON, CONTRADICTION),
    ]
    assert TASK.load(data, "val") == [
        *3 * [Sentences(*NOON, CONTRADICTION)],
        Sentences(*DOG, NEUTRAL),
        Sentences(*NOON, NEUTRAL),
    ]


@pytest.mark.parametrize("gone", ["anli/R3/train.jsonl", "snli/snli_1.0_train.jsonl"])
def test_a_set_that_is_missing_is_not_left_out(tmp_path: Path, gone: str) -> None:
    data = write({k: v for k, v in ANLI_MNLI_SNLI.files.items() if k != gone}, tmp_path)
    with pytest.raises(DataError, match=f"{gone} does not exist"):
        TASK.load(data, "train")
