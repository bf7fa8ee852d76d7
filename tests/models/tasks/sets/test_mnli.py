"""MultiNLI: pairs without a consensus are left out, and one file alone is parted by premises."""

from __future__ import annotations

from pathlib import Path

from models.tasks.example import Sentences
from models.tasks.sets.mnli import TASK
from tests.models.tasks.invented import DOG, MNLI
from tests.models.tasks.writing import lines, write


def test_pairs_without_a_consensus_or_a_hypothesis_are_left_out(tmp_path: Path) -> None:
    data = write(MNLI.files, tmp_path)
    assert TASK.load(data, "train") == [Sentences(*DOG, TASK.labels.index("entailment"))]
    assert TASK.load(data, "val") == [Sentences(*DOG, TASK.labels.index("neutral"))]


def test_one_file_alone_keeps_a_premise_in_one_part(tmp_path: Path) -> None:
    rows = [
        {"premise": f"Premise {n // 4}.", "hypothesis": f"{n}", "label": "contradiction"}
        for n in range(80)
    ]
    data = write({"mnli/dev_matched.jsonl": lines(*rows)}, tmp_path)
    parts = [TASK.load(data, split) for split in ("train", "val")]
    assert [len(part) for part in parts] == [72, 8]
    train, val = ({each.first for each in part if isinstance(each, Sentences)} for part in parts)
    assert not train & val
    assert parts[0][0] == Sentences("Premise 0.", "0", TASK.labels.index("contradiction"))
